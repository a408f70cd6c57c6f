import * as tf from '@tensorflow/tfjs-core';
import type { DType } from '../arrays/array.js';
import { EngineError } from '../error.js';
import { withCheckpointing } from '../fused/recompute.js';
import type { Dimension, GraphModel } from '../onnx/model.js';
import type { Int8Kernel } from '../onnxruntime/int8-kernel.js';
import '../tensorflow/registrations.js';
import { flattenTree, mapTree } from '../arrays/tree.js';
import { TraceBackend, traceBackendName } from '../graph/backend.js';
import { GraphBuilder, type GraphTarget, type Precision } from '../graph/graph-builder.js';
import { registerKernels, unmappedKernel } from '../kernels/register.js';

/** Shape and element type of an input. A size with a name, such as `B`, may differ from run to run. */
export interface TraceSpec {
  readonly dtype: DType;
  readonly shape: readonly Dimension[];
}

/** Where and how a graph will run. */
export interface TraceOptions {
  /** @default 'cpu' */
  readonly target?: GraphTarget;
  /** Of matrix products. @default 'float32' */
  readonly precision?: Precision;
  /** Computes what is `checkpointed` again for the gradient. @default false */
  readonly gradientCheckpointing?: boolean;
  /**
   * Form of 8-bit weights that is exact where the graph will run. Signed weights are brought into the unsigned form where
   * that is the one. @default 'unsigned', which is exact everywhere
   */
  readonly int8Kernel?: Int8Kernel;
}

/** A traced function: its graph, whose inputs and outputs are named by tree path, and the output tree. */
export interface Traced {
  readonly graph: GraphModel;
  /** The structure of the function's result; leaves name their path. */
  readonly outputs: unknown;
  /** Estimated bytes of intermediate results; unknown for a graph with named sizes. */
  readonly peakBytes: number | undefined;
}

/** Graph outputs carry this prefix, because a path may be both an input and an output. */
export const outputPrefix = 'out:';

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor;

let backend: TraceBackend | undefined;

function traceBackend(): TraceBackend {
  if (backend === undefined) {
    const created = new TraceBackend();
    tf.registerBackend(traceBackendName, () => created);
    registerKernels(created);
    backend = created;
  }
  return backend;
}

/**
 * Records what `fn` computes for inputs of the given shapes as an ONNX graph.
 *
 * Where the specs have named sizes, the function is recorded with two different sets of numbers in their
 * place, and both must give the same graph.
 *
 * @param fn a pure function of a tree of tensors; it may use `tf.grads` and the like.
 * @param specs shape and element type of every leaf of its argument, as a tree.
 * @param options where and how the graph will run
 * @throws EngineError `unmapped-kernel`, naming the kernel and the operation that asked for it;
 *   `fixed-shape` when the graph depends on the value of a named size
 */
export function trace(
  fn: (inputs: never) => unknown,
  specs: unknown,
  { target, precision, gradientCheckpointing = false, int8Kernel }: TraceOptions = {},
): Traced {
  const recorded = (standIns: ReadonlyMap<string, number>) =>
    withCheckpointing(gradientCheckpointing, () =>
      record(fn, specs, new GraphBuilder(target, standIns, precision, int8Kernel), standIns),
    );
  const leaves = [...flattenTree(specs, isTraceSpec).values()];
  const names = [...new Set(leaves.flatMap(({ shape }) => shape.filter((size) => typeof size === 'string')))];
  if (names.length === 0) return recorded(new Map());
  const sizes = leaves.flatMap(({ shape }) => shape.filter((size) => typeof size === 'number'));
  const free = primes.filter((prime) => sizes.every((size) => size % prime !== 0));
  if (free.length < 2 * names.length) {
    throw new EngineError('bad-array', `${names.length} named sizes are too many`, 'name fewer sizes');
  }
  const first = recorded(new Map(names.map((name, i) => [name, free[i]!])));
  const second = recorded(new Map(names.map((name, i) => [name, free[names.length + i]!])));
  const difference = firstDifference(first.graph, second.graph);
  if (difference === undefined) return { ...first, peakBytes: undefined };
  throw new EngineError(
    'fixed-shape',
    `the graph depends on the value of ${names.join(' or ')}: ${difference}`,
    'compute sizes from shapes by multiplication alone, and make no constants of those sizes',
  );
}

/** Stand-ins for named sizes: larger than the sizes that models are built of, so that few are multiples. */
const primes = [
  211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307, 311, 313, 317, 331,
];

function record(
  fn: (inputs: never) => unknown,
  specs: unknown,
  builder: GraphBuilder,
  standIns: ReadonlyMap<string, number>,
): Traced {
  const recorder = traceBackend();
  return withBackend(traceBackendName, () =>
    recorder.recording(builder, () => {
      tf.engine().startScope('gram-trace');
      try {
        const inputs = mapTree(specs, isTraceSpec, ({ shape, dtype }, path) => {
          const sizes = shape.map((size) => (typeof size === 'string' ? standIns.get(size)! : size));
          const value = builder.input(path, sizes, dtype);
          return tf.engine().makeTensorFromTensorInfo(recorder.tensorInfo(value));
        });
        const result = fn(inputs as never);
        const leaves = flattenTree(result, isTensor);
        const outputs = [...leaves].map(([path, tensor]) => ({
          name: outputPrefix + path,
          value: recorder.value(tensor),
        }));
        const graph = builder.build(outputs);
        return {
          graph,
          outputs: mapTree(result, isTensor, (_, path) => path),
          peakBytes: builder.peakBytes(graph),
        };
      } catch (error) {
        throw explained(error);
      } finally {
        tf.engine().endScope();
      }
    }),
  );
}

/** Where two graphs part, in words. */
function firstDifference(a: GraphModel, b: GraphModel): string | undefined {
  for (const [i, node] of a.nodes.entries()) {
    if (JSON.stringify(node) !== JSON.stringify(b.nodes[i])) return `node ${i} is ${node.op}`;
  }
  if (a.nodes.length !== b.nodes.length) return 'the number of nodes changes';
  const constants = (graph: GraphModel) =>
    graph.initializers.map(
      ({ name, shape, bytes }) => `${name} ${shape} ${Buffer.from(bytes as Uint8Array).toString('base64')}`,
    );
  const [left, right] = [constants(a), constants(b)];
  for (const [i, text] of left.entries()) {
    if (text === right[i]) continue;
    const user = a.nodes.find(({ inputs }) => inputs.includes(a.initializers[i]!.name));
    return `a constant that ${user?.op ?? 'an output'} reads`;
  }
  return JSON.stringify([a.inputs, a.outputs]) === JSON.stringify([b.inputs, b.outputs])
    ? undefined
    : 'the shape of an output';
}

/** Makes a backend current while `run` runs. TensorFlow.js keeps this in one global engine. */
export function withBackend<T>(name: string, run: () => T): T {
  const engine = tf.engine() as unknown as { backendName: string | null; backendInstance: unknown };
  const previous = { name: engine.backendName, instance: engine.backendInstance };
  // Resolves later, but a backend that is made synchronously is current at once.
  void tf.setBackend(name);
  try {
    return run();
  } finally {
    if (previous.name != null && previous.name !== name) {
      void tf.setBackend(previous.name);
    } else {
      engine.backendName = previous.name ?? null;
      engine.backendInstance = previous.instance ?? null;
    }
  }
}

/** Whether a value is a spec rather than a tree of specs. */
export function isTraceSpec(value: unknown): value is TraceSpec {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value;
}

/** Kernels that not even TensorFlow.js' own backend has reach us as its message. */
function explained(error: unknown): unknown {
  if (error instanceof EngineError || !(error instanceof Error)) return error;
  const kernel = /[Kk]ernel '([^']+)' not registered/.exec(error.message)?.[1];
  return kernel === undefined ? error : unmappedKernel(kernel, 'a kernel call');
}
