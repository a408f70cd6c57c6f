import * as tf from '@tensorflow/tfjs';
import { traceBackendName } from '../trace/backend.js';

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
  if (tf.getBackend() !== traceBackendName) return plain();
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
