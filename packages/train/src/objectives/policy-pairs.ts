import { float32, int32 } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { GenerationExample, PolicyPair } from '../examples/kinds.js';
import { type BatchArrays, type BatchTensors, halves, lastPositions, type Vector } from './batch.js';
import { PER_TOKEN, supervisedTokens, type TokenBatch } from './supervised-tokens.js';

/** log pi of both responses of a pair, in nats, each the sum over the tokens of the response. */
export interface PairLogProbabilities {
  readonly chosen: number;
  readonly rejected: number;
}

/** A pair, and what a frozen reference model says of it, see `referenceLogProbabilities`. */
export interface ReferencedPair extends PolicyPair {
  readonly reference: PairLogProbabilities;
}

const nothing: GenerationExample = { ids: [], lossFrom: 0 };

/** Pairs as `rows` chosen responses and then the rejected ones in the same order, with P supervised tokens. */
export type PairBatch = TokenBatch & {
  /** `[P]`: the row of each supervised token; 0 where there is none. */
  readonly owners: Vector<'int32'>;
  /** `[P]`: 1, and 0 where there is none. */
  readonly present: Vector<'float32'>;
};

/** The arrays of a `PairBatch` with one number for each supervised token. */
export const PER_TOKEN_OF_PAIRS = [
  ...PER_TOKEN,
  'owners',
  'present',
] as const satisfies readonly (keyof PairBatch)[];

/** The last token of each sequence of a `PairBatch`. */
export type PairEnds = {
  /** `[2 rows]`: `row * length + t` */
  readonly ends: Vector<'int32'>;
};

/**
 * Makes the arrays of pairs.
 *
 * @param sides whose responses are supervised
 */
export function pairArrays(
  examples: readonly PolicyPair[],
  rows: number,
  length: number,
  sides: 'chosen' | 'both',
): BatchArrays<PairBatch & PairEnds> {
  const half = (side: 'chosen' | 'rejected') =>
    Array.from({ length: rows }, (_, row) => examples[row]?.[side] ?? nothing);
  const unsupervised = ({ ids }: GenerationExample) => ({ ids, lossFrom: ids.length });
  const rejected = sides === 'both' ? half('rejected') : half('rejected').map(unsupervised);
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
  { tokens, owners, present }: BatchTensors<PairBatch>,
): { chosen: tf.Tensor1D; rejected: tf.Tensor1D } {
  const counted: tf.Tensor1D = tf.mul(losses, present);
  const sums = tf.unsortedSegmentSum(tf.neg(counted), owners, tokens.shape[0]);
  const [chosen, rejected] = halves(sums);
  return { chosen, rejected };
}

/**
 * log pi(y | x) / |y| of each response, the mean over its supervised tokens; 0 for one without any.
 *
 * @param losses `[P]`, -log pi of each token
 * @param batch of `pairArrays`
 * @returns `[rows]` each
 */
export function pairMeanLogProbabilities(
  losses: tf.Tensor1D,
  batch: BatchTensors<PairBatch>,
): { chosen: tf.Tensor1D; rejected: tf.Tensor1D } {
  const { chosen, rejected } = pairLogProbabilities(losses, batch);
  const counts = tf.unsortedSegmentSum(batch.present, batch.owners, batch.tokens.shape[0]);
  const [ofChosen, ofRejected] = halves(tf.maximum(counts, 1));
  return { chosen: tf.div(chosen, ofChosen), rejected: tf.div(rejected, ofRejected) };
}

/** log pi_ref(y_w | x) - log pi_ref(y_l | x) of each pair, `[rows]`; 0 for a missing one. */
export function referenceMargins(examples: readonly ReferencedPair[], rows: number) {
  const margins = Float32Array.from({ length: rows }, (_, row) => {
    const reference = examples[row]?.reference;
    return reference === undefined ? 0 : reference.chosen - reference.rejected;
  });
  return float32([rows], margins);
}
