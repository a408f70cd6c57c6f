import * as tf from '@tensorflow/tfjs-core';
import { float32 } from '../arrays/array.js';
import type { DeviceName } from '../arrays/device-array.js';
import type { Precision } from '../graph/target.js';
import { compile } from './compile.js';

/**
 * Multiplies two numbers on a device, so that one that does not work, or has no products of a precision, is refused before anything is
 * loaded.
 *
 * @throws {EngineError} `unknown-device`, `device-unavailable`, `bad-precision`
 */
export async function checkDevice(
  device: DeviceName | 'auto',
  precision: Precision = 'float32',
): Promise<void> {
  const product = compile(({ x }: { x: tf.Tensor2D }) => ({ square: tf.matMul(x, x) }), {
    device,
    precision,
  });
  try {
    await product({ x: float32([1, 1], [1]) });
  } finally {
    product.dispose();
  }
}
