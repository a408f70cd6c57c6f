import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy, logitGradients, logProbabilities } from './cross-entropy.js';
import { customGradient } from './custom-gradient.js';
import { isDifferentiated } from './kernel.js';
import { after } from './recompute.js';

/** Number of logits that are computed at once, which take 64 MiB. */
const LOGITS_AT_ONCE = 2 ** 24;

/** P rows of states, each with its target and its weight in a sum. */
export interface WeightedRows {
  /** `[P, D]` */
  readonly x: tf.Tensor2D;
  /** `[P]` int32 */
  readonly targets: tf.Tensor1D;
  /** `[P]` */
  readonly weights: tf.Tensor1D;
}

/**
 * Weighted sum of the cross-entropies of a linear head's logits: sum over p of w[p] (-log softmax(x[p] M^T)[target[p]]).
 *
 * Over a large vocabulary the logits would take more memory than the model's states. They are computed for a part of the rows
 * at a time, and where a gradient is asked for, that of the part follows at once, as the weights are known: nothing is computed
 * twice, and logits and their logarithms are never kept. Their gradients are, where M has one.
 *
 * @param rows states, targets and weights of the rows; the weights have no gradient
 * @param matrix `[V, D]`
 * @param options `softCap`: logits z become cap * tanh(z / cap). @default no cap
 */
export function linearCrossEntropy(
  { x, targets, weights }: WeightedRows,
  matrix: tf.Tensor2D,
  { softCap }: { readonly softCap?: number | undefined } = {},
): tf.Scalar {
  const parts = partsOf(x.shape[0], matrix.shape[0]);
  if (!isDifferentiated()) {
    const losses = split(parts, { x, targets, weights }).map((part) => {
      const each = crossEntropy(logitsOf(part.x, matrix, softCap), part.targets);
      return tf.sum(tf.mul(each, part.weights));
    });
    return tf.addN(losses) as tf.Scalar;
  }
  const withGradients = customGradient(([states, head]: [tf.Tensor2D, tf.Tensor2D], save) => {
    const results: PartResult[] = [];
    for (const part of split(parts, { x: states, targets, weights })) {
      const before = results.at(-1);
      // One part after the other: side by side they would need the memory of all.
      const own = before === undefined ? part.x : after(part.x, before.dx);
      const result = partWithGradients({ ...part, x: own }, head, softCap);
      const dMatrix = before === undefined ? result.dMatrix : tf.add(before.dMatrix, result.dMatrix);
      results.push({ ...result, dMatrix });
    }
    const total = results.slice(-1).map(({ dMatrix }) => dMatrix);
    save([tf.concat(results.map(({ dx }) => dx)), ...total]);
    return {
      value: tf.addN(results.map(({ loss }) => loss)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy)),
    };
  });
  return withGradients(x, matrix) as tf.Scalar;
}

function split(parts: number, { x, targets, weights }: WeightedRows): WeightedRows[] {
  const [ofTargets, ofWeights] = [
    tf.split<tf.Tensor1D>(targets, parts),
    tf.split<tf.Tensor1D>(weights, parts),
  ];
  return tf.split<tf.Tensor2D>(x, parts).flatMap((rows, i) => {
    const [own, factors] = [ofTargets[i], ofWeights[i]];
    return own === undefined || factors === undefined ? [] : [{ x: rows, targets: own, weights: factors }];
  });
}

interface PartResult {
  readonly loss: tf.Tensor;
  readonly dx: tf.Tensor;
  /** The gradient of this part, to which that of the parts before it is added. */
  readonly dMatrix: tf.Tensor;
}

function partWithGradients(
  { x, targets, weights }: WeightedRows,
  matrix: tf.Tensor2D,
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

/** The smallest number of equal parts of the rows whose logits are few enough. */
function partsOf(rows: number, vocabulary: number): number {
  for (let parts = Math.max(1, Math.ceil((rows * vocabulary) / LOGITS_AT_ONCE)); parts < rows; parts++) {
    if (rows % parts === 0) return parts;
  }
  return rows;
}
