import { float32, int32, type NDArray } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { entryOf } from '../checked.js';
import { type Batch, lastPositions } from './objective.js';
import { supervisedTokens } from './supervised-tokens.js';
import type { GenerationExample } from './token-generation.js';

/**
 * The same prompt with its chosen and its rejected response, both to be written by a language model. The responses begin at
 * `lossFrom` of each side: they differ where a prompt was cut to fit.
 */
export interface PolicyPair {
  readonly chosen: GenerationExample;
  readonly rejected: GenerationExample;
}

/** log pi of both responses of a pair, in nats, each the sum over the tokens of the response. */
export interface PairLogProbabilities {
  readonly chosen: number;
  readonly rejected: number;
}

/** A pair, and what a frozen reference model says of it, see `referenceLogProbabilities`. */
export interface ReferencedPair extends PolicyPair {
  readonly reference: PairLogProbabilities;
}

/** Length of the longer side, in tokens. */
export function pairLength({ chosen, rejected }: PolicyPair): number {
  return Math.max(chosen.ids.length, rejected.ids.length);
}

const nothing: GenerationExample = { ids: [], lossFrom: 0 };

/**
 * Arrays of pairs: `rows` chosen responses first, then the rejected ones in the same order.
 *
 * - `tokens` `[2 rows, length]`
 * - `ends` `[2 rows]`: `row * length + t` of each sequence's last token
 * - `positions`, `targets`, `owners`, `present` `[P]`: of each supervised token the position that predicts it, its id, its row,
 *   and 1; all 0 where there is none
 *
 * @param sides whose responses are supervised
 */
export function pairArrays(
  examples: readonly PolicyPair[],
  rows: number,
  length: number,
  sides: 'chosen' | 'both',
): Batch<NDArray> {
  const half = (side: 'chosen' | 'rejected') =>
    Array.from({ length: rows }, (_, row) => examples[row]?.[side] ?? nothing);
  const rejected = half('rejected').map(({ ids, lossFrom }) => {
    return { ids, lossFrom: sides === 'both' ? lossFrom : ids.length };
  });
  const sequences = [...half('chosen'), ...rejected];
  const supervised = supervisedTokens(sequences, 2 * rows, length);
  const { tokens, positions, targets, rows: owners, count, size } = supervised;
  const last = lastPositions(
    sequences.map(({ ids }) => ids),
    2 * rows,
  );
  return {
    tokens,
    ends: int32(
      [2 * rows],
      last.data.map((position, row) => row * length + position),
    ),
    positions,
    targets,
    owners,
    present: float32(
      [size],
      Float32Array.from({ length: size }, (_, i) => (i < count ? 1 : 0)),
    ),
  };
}

/**
 * log pi of each response, the sum over its supervised tokens; 0 for one without any.
 *
 *     log pi(y | x) = sum_t log pi(y_t | x, y_<t)
 *
 * @param losses `[P]`, -log pi of each token
 * @param batch of `pairArrays`
 * @returns `[rows]` each
 */
export function pairLogProbabilities(
  losses: tf.Tensor1D,
  batch: Batch<tf.Tensor>,
): { chosen: tf.Tensor1D; rejected: tf.Tensor1D } {
  const [rows = 0] = entryOf(batch, 'tokens').shape;
  const counted = tf.neg(tf.mul(losses, entryOf(batch, 'present')));
  const sums = tf.unsortedSegmentSum(counted, batch.owners as tf.Tensor1D, rows);
  const [chosen, rejected] = tf.split(sums, 2) as [tf.Tensor1D, tf.Tensor1D];
  return { chosen, rejected };
}

/** log pi_ref(y_w | x) - log pi_ref(y_l | x) of each pair, `[rows]`; 0 for a missing one. */
export function referenceMargins(examples: readonly ReferencedPair[], rows: number): NDArray<'float32'> {
  const margins = Float32Array.from({ length: rows }, (_, row) => {
    const reference = examples[row]?.reference;
    return reference === undefined ? 0 : reference.chosen - reference.rejected;
  });
  return float32([rows], margins);
}
