import * as tf from '@tensorflow/tfjs-core';
import { at, flattenTree, mapTree, type Tree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import { withCheckpointing } from '../fused/recompute.js';
import { TRACE_BACKEND, TraceBackend } from '../graph/backend.js';
import { type BytesOf, GraphBuilder } from '../graph/graph-builder.js';
import type { GraphOptions } from '../graph/target.js';
import { registerKernels, unmappedKernel } from '../kernels/register.js';
import type { GraphModel, ValueInfo } from '../onnx/model.js';
import { withBackend } from '../tensorflow/backend.js';
import '../tensorflow/registrations.js';
import { isTraceSpec, type SpecTree } from './spec.js';
import { firstDifference, namedSizes, type StandIns, standInsFor } from './stand-ins.js';

/** Options of `trace`. */
export interface TraceOptions extends GraphOptions {
  /** Computes what is `checkpointed` again for the gradient. @default false */
  readonly gradientCheckpointing?: boolean;
}

/** A traced function. The inputs and outputs of its graph are named by their paths in the trees. */
export interface Traced {
  readonly graph: GraphModel;
  /** The structure of the function's result. Each leaf is its path. */
  readonly outputs: Tree<string>;
  /** Shape and element type of each intermediate result, by name. */
  readonly values: ReadonlyMap<string, ValueInfo>;
  /** Estimates the bytes of intermediate results. */
  readonly peakBytes: BytesOf;
}

/** Prefix of the names of a graph's outputs, because a path may be both an input and an output. */
export const OUTPUT_PREFIX = 'out:';

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor;

let backend: TraceBackend | undefined;

function traceBackend(): TraceBackend {
  if (backend === undefined) {
    const created = new TraceBackend();
    tf.registerBackend(TRACE_BACKEND, () => created);
    registerKernels(created);
    backend = created;
  }
  return backend;
}

/**
 * Records what `fn` computes for inputs of the given shapes as an ONNX graph.
 *
 * Where the specs have named sizes, the function is recorded with two different sets of numbers in their place, and both
 * must give the same graph.
 *
 * @example
 * ```ts
 * const spec = { dtype: 'float32', shape: ['B', 4] } as const;
 * const { graph } = trace(({ x }: { x: tf.Tensor2D }) => ({ y: tf.softmax(x) }), { x: spec });
 * ```
 *
 * @param fn a pure function of a tree of tensors; it may use `tf.grads` and the like
 * @param specs shape and element type of every leaf of its argument
 * @throws {EngineError} `unmapped-kernel`, naming the kernel and the operation that asked for it; `fixed-shape` when the graph
 *   depends on the value of a named size
 */
export function trace(
  fn: (inputs: never) => unknown,
  specs: SpecTree,
  { gradientCheckpointing = false, ...options }: TraceOptions = {},
): Traced {
  const recorded = (standIns: StandIns) =>
    withCheckpointing(gradientCheckpointing, () =>
      record(fn, specs, new GraphBuilder(options, standIns), standIns),
    );
  const names = namedSizes(specs);
  if (names.length === 0) return recorded(new Map());
  const [standIns, others] = standInsFor(names, specs);
  const [first, second] = [recorded(standIns), recorded(others)];
  const difference = firstDifference(first.graph, second.graph);
  if (difference === undefined) return first;
  throw new EngineError(
    'fixed-shape',
    `the graph depends on the value of ${names.join(' or ')}: ${difference}`,
    'compute sizes from shapes by multiplication alone, and make no constants of those sizes',
  );
}

function record(
  fn: (inputs: never) => unknown,
  specs: SpecTree,
  builder: GraphBuilder,
  standIns: StandIns,
): Traced {
  const recorder = traceBackend();
  return withBackend(TRACE_BACKEND, () =>
    recorder.recording(builder, () => {
      tf.engine().startScope('gram-trace');
      try {
        const inputs = mapTree(specs, isTraceSpec, ({ shape, dtype }, path) => {
          const sizes = shape.map((size) => (typeof size === 'string' ? at(standIns, size) : size));
          const value = builder.input(path, sizes, dtype);
          return tf.engine().makeTensorFromTensorInfo(recorder.tensorInfo(value));
        });
        const result = fn(inputs as never);
        const outputs = [...flattenTree(result, isTensor)].map(([path, tensor]) => ({
          name: OUTPUT_PREFIX + path,
          value: recorder.value(tensor),
        }));
        const graph = builder.build(outputs);
        return {
          graph,
          outputs: mapTree(result, isTensor, (_tensor, path) => path),
          values: builder.valuesOf(graph),
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

/** Makes our error of that of TensorFlow.js for a kernel that no backend has. */
function explained(error: unknown): unknown {
  if (error instanceof EngineError || !(error instanceof Error)) return error;
  const kernel = /[Kk]ernel '([^']+)' not registered/.exec(error.message)?.[1];
  return kernel === undefined ? error : unmappedKernel(kernel, 'a kernel call');
}
