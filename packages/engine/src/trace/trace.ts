import * as tf from '@tensorflow/tfjs';
import type { DType } from '../array.js';
import { EngineError } from '../error.js';
import type { GraphModel } from '../onnx/model.js';
import { flattenTree, mapTree } from '../tree.js';
import { TraceBackend, traceBackendName } from './backend.js';
import { GraphBuilder } from './graph.js';
import { registerKernels, unmappedKernel } from './kernels/register.js';

/** Shape and element type of an array, without its values. */
export interface ArraySpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A traced function: its graph, whose inputs and outputs are named by tree path, and the output tree. */
export interface Traced {
  readonly graph: GraphModel;
  /** The structure of the function's result; leaves name their path. */
  readonly outputs: unknown;
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

/** Makes the backend current while `run` runs. TensorFlow.js keeps this in one global engine. */
function withTraceBackend<T>(run: () => T): T {
  const engine = tf.engine() as unknown as { backendName: string | null; backendInstance: unknown };
  const previous = { name: engine.backendName, instance: engine.backendInstance };
  // Resolves later, but a backend that is made synchronously is current at once.
  void tf.setBackend(traceBackendName);
  try {
    return run();
  } finally {
    if (previous.name != null && previous.name !== traceBackendName) {
      void tf.setBackend(previous.name);
    } else {
      engine.backendName = previous.name ?? null;
      engine.backendInstance = previous.instance ?? null;
    }
  }
}

/**
 * Records what `fn` computes for inputs of the given shapes as an ONNX graph.
 *
 * @param fn a pure function of a tree of tensors; it may use `tf.grads` and the like.
 * @param specs shape and element type of every leaf of its argument, as a tree.
 * @throws EngineError `unmapped-kernel`, naming the kernel and the operation that asked for it.
 */
export function trace(fn: (inputs: never) => unknown, specs: unknown): Traced {
  const recorder = traceBackend();
  const builder = new GraphBuilder();
  return withTraceBackend(() =>
    recorder.recording(builder, () => {
      tf.engine().startScope('gram-trace');
      try {
        const inputs = mapTree(specs, isArraySpec, (spec, path) => {
          const value = builder.input(path, spec.shape, spec.dtype);
          return tf.engine().makeTensorFromTensorInfo(recorder.tensorInfo(value));
        });
        const result = fn(inputs as never);
        const leaves = flattenTree(result, isTensor);
        const outputs = [...leaves].map(([path, tensor]) => ({
          name: outputPrefix + path,
          value: recorder.value(tensor),
        }));
        return { graph: builder.build(outputs), outputs: mapTree(result, isTensor, (_, path) => path) };
      } catch (error) {
        throw explained(error);
      } finally {
        tf.engine().endScope();
      }
    }),
  );
}

function isArraySpec(value: unknown): value is ArraySpec {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value;
}

/** Kernels that not even TensorFlow.js' own backend has reach us as its message. */
function explained(error: unknown): unknown {
  if (error instanceof EngineError || !(error instanceof Error)) return error;
  const kernel = /[Kk]ernel '([^']+)' not registered/.exec(error.message)?.[1];
  return kernel === undefined ? error : unmappedKernel(kernel, 'a kernel call');
}
