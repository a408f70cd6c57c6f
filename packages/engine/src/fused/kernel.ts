import * as tf from '@tensorflow/tfjs-core';
import { TRACE_BACKEND, type TraceBackend } from '../graph/backend.js';
import type { GraphTarget } from '../graph/target.js';

/**
 * Runs a fused kernel. While a function is traced, the kernel is the operator that its mapping names (`kernels/fused.ts`);
 * elsewhere it is a composition of TensorFlow.js operations.
 *
 * @returns the kernel's results, which the mapping and the composition give in the same order
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

/** Tells whether TensorFlow.js records operations to differentiate them. */
export function isDifferentiated(): boolean {
  // The types hide the method.
  return (tf.engine() as unknown as { isTapeOn(): boolean }).isTapeOn();
}

/** The part of the runtime that will run the graph that is being recorded; undefined outside of a trace. */
export function traceTarget(): GraphTarget | undefined {
  return tf.getBackend() === TRACE_BACKEND ? (tf.backend() as TraceBackend).graph.target : undefined;
}
