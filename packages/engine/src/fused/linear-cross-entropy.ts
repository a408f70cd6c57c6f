import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy, logitGradients, logProbabilities } from './cross-entropy.js';
import { isDifferentiated } from './kernel.js';
import { after } from './recompute.js';

/** Logits that are computed at once: 64 MiB of them. */
const most = 2 ** 24;

/**
 * Weighted sum of the cross-entropies of a linear head's logits: sum over p of w[p] (-log softmax(x[p] M^T)[target[p]]).
 *
 * Over a large vocabulary the logits would take more memory than the model's states. They are computed for a part of the rows
 * at a time, and where a gradient is asked for, that of the part follows at once, as the weights are known: nothing is computed
 * twice, and logits and their logarithms are never kept. Their gradients are, where M has one.
 *
 * @param x `[P, D]`
 * @param matrix `[V, D]`
 * @param targets `[P]` int32
 * @param weights `[P]`; they have no gradient
 * @param options `softCap`: logits z become cap * tanh(z / cap). @default no cap
 */
export function linearCrossEntropy(
  x: tf.Tensor2D,
  matrix: tf.Tensor2D,
  targets: tf.Tensor1D,
  weights: tf.Tensor1D,
  { softCap }: { readonly softCap?: number | undefined } = {},
): tf.Scalar {
  const parts = partsOf(x.shape[0], matrix.shape[0]);
  const split = <T extends tf.Tensor>(tensor: T) => tf.split(tensor, parts) as T[];
  const [ofTargets, ofWeights] = [split(targets), split(weights)];
  if (!isDifferentiated()) {
    const losses = split(x).map((rows, i) => {
      const each = crossEntropy(logitsOf(rows, matrix, softCap), ofTargets[i]!);
      return tf.sum(tf.mul(each, ofWeights[i]!));
    });
    return tf.addN(losses) as tf.Scalar;
  }
  const withGradients = tf.customGrad((...args) => {
    const [states, head, save] = args as unknown as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const results: PartResult[] = [];
    let dMatrix: tf.Tensor | undefined;
    for (const [i, rows] of split(states).entries()) {
      const before = results.at(-1);
      // One part after the other: side by side they would need the memory of all.
      const own = before === undefined ? rows : after(rows, before.dx);
      const result = partWithGradients(own, head, ofTargets[i]!, ofWeights[i]!, softCap);
      results.push(result);
      dMatrix = dMatrix === undefined ? result.dMatrix : tf.add(dMatrix, result.dMatrix);
    }
    save([tf.concat(results.map(({ dx }) => dx)), dMatrix!]);
    return {
      value: tf.addN(results.map(({ loss }) => loss)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy)),
    };
  });
  return withGradients(x, matrix) as tf.Scalar;
}

interface PartResult {
  readonly loss: tf.Tensor;
  readonly dx: tf.Tensor;
  readonly dMatrix: tf.Tensor;
}

function partWithGradients(
  x: tf.Tensor2D,
  matrix: tf.Tensor2D,
  targets: tf.Tensor1D,
  weights: tf.Tensor1D,
  softCap: number | undefined,
): PartResult {
  const logits = logitsOf(x, matrix, softCap);
  const logarithms = logProbabilities(logits, targets);
  const dCapped = logitGradients(logarithms, weights);
  const dLogits =
    softCap === undefined
      ? dCapped
      : (tf.mul(dCapped, tf.sub(1, tf.square(tf.div(logits, softCap)))) as tf.Tensor2D);
  return {
    loss: tf.neg(tf.sum(tf.mul(logarithms.chosen, weights))),
    dx: tf.matMul(dLogits, matrix),
    dMatrix: tf.matMul(dLogits, x, true),
  };
}

function logitsOf(x: tf.Tensor2D, matrix: tf.Tensor2D, softCap: number | undefined): tf.Tensor2D {
  const products: tf.Tensor2D = tf.matMul(x, matrix, false, true);
  return softCap === undefined
    ? products
    : (tf.mul(tf.tanh(tf.div(products, softCap)), softCap) as tf.Tensor2D);
}

/** The fewest equal parts of the rows that are small enough. */
function partsOf(rows: number, vocabulary: number): number {
  for (let parts = Math.max(1, Math.ceil((rows * vocabulary) / most)); parts < rows; parts++) {
    if (rows % parts === 0) return parts;
  }
  return rows;
}
