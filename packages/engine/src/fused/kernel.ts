import * as tf from '@tensorflow/tfjs-core';
import { TRACE_BACKEND, type TraceBackend } from '../graph/backend.js';
import type { GraphTarget } from '../graph/target.js';

/**
 * Runs a fused kernel: while a function is traced, as the operator that the kernel's mapping names
 * (`trace/kernels/fused.ts`), elsewhere as a composition of TensorFlow.js operations.
 *
 * @returns the kernel's results, in the order of the mapping and of the composition
 */
export function fusedKernel(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor | undefined>>,
  attributes: tf.NamedAttrMap,
  plain: () => tf.Tensor[],
): tf.Tensor[] {
  if (traceTarget() === undefined) return plain();
  const given = Object.entries(inputs).filter(
    (entry): entry is [string, tf.Tensor] => entry[1] !== undefined,
  );
  const results = tf.engine().runKernel(name, Object.fromEntries(given), attributes);
  return Array.isArray(results) ? results : [results as tf.Tensor];
}

/** Whether TensorFlow.js records operations to differentiate them. */
export function isDifferentiated(): boolean {
  return (tf.engine() as unknown as { isTapeOn(): boolean }).isTapeOn();
}

/** Where the graph that is being recorded will run; undefined outside of a trace. */
export function traceTarget(): GraphTarget | undefined {
  return tf.getBackend() === TRACE_BACKEND ? (tf.backend() as TraceBackend).graph.target : undefined;
}
