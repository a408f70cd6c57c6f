import { nextTokenLosses } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { type PolicyPair, pairLength, pairWeight } from '../examples/kinds.js';
import { rowWeights, type Vector, weightedSum } from './batch.js';
import type { Objective } from './objective.js';
import {
  type PairBatch,
  PER_TOKEN_OF_PAIRS,
  pairArrays,
  pairLogProbabilities,
  pairMeanLogProbabilities,
  type ReferencedPair,
  referenceMargins,
} from './policy-pairs.js';
import { shareCorrect, smoothedRankingLoss } from './smoothing.js';

type PreferenceBatch = PairBatch & {
  /** `[rows]`: log pi_ref(y_w | x) - log pi_ref(y_l | x) */
  readonly reference: Vector<'float32'>;
  /** `[rows]`: the weight of each pair. */
  readonly weights: Vector<'float32'>;
};

/** Options of `directPreference`. */
export interface DirectPreferenceOptions {
  /** Weight of the reference, beta; the policy stays closer to it where it is higher. @default 0.1 */
  readonly beta?: number;
  /** The probability eps that a label is wrong (conservative DPO, Mitchell 2023). 0 <= eps < 0.5. @default 0 */
  readonly labelSmoothing?: number;
}

/**
 * Direct preference optimization (Rafailov et al., NeurIPS 2023, equation 7): a policy learns from pairs, without a reward model.
 *
 *     L = -(1 - eps) log sigmoid(D) - eps log sigmoid(-D)
 *     D = beta ((log pi(y_w | x) - log pi(y_l | x)) - (log pi_ref(y_w | x) - log pi_ref(y_l | x)))
 *
 * log pi is the sum over the tokens of a response. The mean is over pairs. `accuracy` is the share of pairs with D > 0: the
 * policy then prefers the chosen response more than its reference does.
 */
export function directPreference({
  beta = 0.1,
  labelSmoothing = 0,
}: DirectPreferenceOptions = {}): Objective<ReferencedPair, PreferenceBatch, 'accuracy'> {
  return {
    name: `direct-preference, beta ${beta}, smoothing ${labelSmoothing}`,
    metrics: ['accuracy'],
    perToken: PER_TOKEN_OF_PAIRS,
    length: pairLength,
    weight: pairWeight,
    batch(examples, rows, length, total) {
      const { ends: _, ...arrays } = pairArrays(examples, rows, length, 'both');
      return {
        ...arrays,
        reference: referenceMargins(examples, rows),
        weights: rowWeights(examples.map(pairWeight), rows, total),
      };
    },
    loss(config, weights, batch) {
      const { tokens, positions, targets, reference, tables } = batch;
      const losses = nextTokenLosses(config, weights, tokens, positions, targets, tables);
      const { chosen, rejected } = pairLogProbabilities(losses, batch);
      const beyond = tf.sub(tf.sub(chosen, rejected), reference);
      const margins: tf.Tensor1D = tf.mul(beyond, beta);
      return {
        loss: weightedSum(smoothedRankingLoss(margins, labelSmoothing), batch.weights),
        metrics: { accuracy: shareCorrect(margins, batch.weights) },
      };
    },
  };
}

type LikelihoodBatch = PairBatch & {
  /** `[rows]`: the weight of each pair. */
  readonly weights: Vector<'float32'>;
};

/** Options of `simplePreference`. */
export interface SimplePreferenceOptions {
  /** Scale of the rewards, beta. @default 2 */
  readonly beta?: number;
  /** Difference that the rewards should have, gamma. @default 0 */
  readonly margin?: number;
  /** The probability eps that a label is wrong. 0 <= eps < 0.5. @default 0 */
  readonly labelSmoothing?: number;
}

/**
 * Simple preference optimization (Meng, Xia and Chen, NeurIPS 2024, equation 6): the reward of a response is its mean
 * log-probability, so that a model learns from pairs without a reference.
 *
 *     L = -(1 - eps) log sigmoid(D) - eps log sigmoid(-D)
 *     D = beta (log pi(y_w | x) / |y_w| - log pi(y_l | x) / |y_l|) - gamma
 *
 * |y| is the number of tokens of the response. The mean is over pairs. `accuracy` is the share of pairs whose chosen response is
 * the likelier one by this measure. What the model judges before it has read a label is therefore what it found likely as a writer.
 */
export function simplePreference({
  beta = 2,
  margin = 0,
  labelSmoothing = 0,
}: SimplePreferenceOptions = {}): Objective<PolicyPair, LikelihoodBatch, 'accuracy'> {
  return {
    name: `simple-preference, beta ${beta}, margin ${margin}, smoothing ${labelSmoothing}`,
    metrics: ['accuracy'],
    perToken: PER_TOKEN_OF_PAIRS,
    length: pairLength,
    weight: pairWeight,
    batch(examples, rows, length, total) {
      const { ends: _, ...arrays } = pairArrays(examples, rows, length, 'both');
      return { ...arrays, weights: rowWeights(examples.map(pairWeight), rows, total) };
    },
    loss(config, weights, batch) {
      const { tokens, positions, targets, tables } = batch;
      const losses = nextTokenLosses(config, weights, tokens, positions, targets, tables);
      const { chosen, rejected } = pairMeanLogProbabilities(losses, batch);
      const differences: tf.Tensor1D = tf.mul(tf.sub(chosen, rejected), beta);
      return {
        loss: weightedSum(smoothedRankingLoss(tf.sub(differences, margin), labelSmoothing), batch.weights),
        metrics: { accuracy: shareCorrect(differences, batch.weights) },
      };
    },
  };
}
