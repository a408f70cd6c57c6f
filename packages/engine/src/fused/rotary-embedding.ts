import * as tf from '@tensorflow/tfjs-core';
import { customGradient } from './custom-gradient.js';
import { fusedKernel } from './kernel.js';

/** Cosines and sines of the rotation at each position, `[P, headDim / 2]`. */
export interface RotaryTables {
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
}

/** Heads and positions of what is rotated. */
export interface RotaryOptions {
  /** Number of heads. */
  readonly heads: number;
  /** `[B, T]` int32, the row of the tables for each position. @default 0 to T - 1 in each row */
  readonly positions?: tf.Tensor2D | undefined;
}

/**
 * Rotary position embedding (Su et al. 2021) of all heads, in the layout of Hugging Face's Llama: the first half of a head's
 * features turns with the second half. It is traced as `RotaryEmbedding`. The gradient is the rotation back.
 *
 * @param x `[B, T, heads * headDim]`
 * @param tables cosines and sines, at least as many rows as positions
 * @returns `[B, T, heads * headDim]`
 */
export function rotaryEmbedding(
  x: tf.Tensor3D,
  { cos, sin }: RotaryTables,
  { heads, positions }: RotaryOptions,
): tf.Tensor3D {
  const withGradient = customGradient(([input]: [tf.Tensor3D], save) => {
    // Tensors that are made inside of a differentiated function are gone when its gradient is taken.
    save(positions === undefined ? [cos, sin] : [cos, sin, positions]);
    return {
      value: turned(input, { cos, sin }, { heads, positions }),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [c, s, at] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D | undefined];
        return turned(dy as tf.Tensor3D, { cos: c, sin: tf.neg(s) }, { heads, positions: at });
      },
    };
  });
  return withGradient(x) as tf.Tensor3D;
}

function turned(
  x: tf.Tensor3D,
  { cos, sin }: RotaryTables,
  { heads, positions }: RotaryOptions,
): tf.Tensor3D {
  return fusedKernel('GramRotaryEmbedding', { x, cos, sin, positions }, { heads }, () => [
    rotated(x, { cos, sin }, { heads, positions }),
  ])[0] as tf.Tensor3D;
}

function rotated(x: tf.Tensor3D, { cos, sin }: RotaryTables, { heads, positions }: RotaryOptions): tf.Tensor {
  const [batch, length, width] = x.shape;
  const rows = (table: tf.Tensor2D) =>
    positions === undefined
      ? tf.reshape(tf.slice(table, 0, length), [1, length, 1, -1])
      : tf.expandDims(tf.gather(table, positions), 2);
  const [a, b] = tf.split(tf.reshape(x, [batch, length, heads, width / heads]), 2, -1) as [
    tf.Tensor,
    tf.Tensor,
  ];
  const [c, s] = [rows(cos), rows(sin)];
  return tf.reshape(
    tf.concat([tf.sub(tf.mul(a, c), tf.mul(b, s)), tf.add(tf.mul(b, c), tf.mul(a, s))], -1),
    x.shape,
  );
}
