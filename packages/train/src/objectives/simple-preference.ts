import { nextTokenLosses } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { rowWeights, type Vector, weightedSum } from './batch.js';
import type { Objective } from './objective.js';
import {
  type PairBatch,
  type PolicyPair,
  pairArrays,
  pairLength,
  pairMeanLogProbabilities,
} from './policy-pairs.js';
import { shareCorrect, smoothedRankingLoss } from './smoothing.js';

type LikelihoodBatch = PairBatch & {
  /** `[rows]`: the weight of each pair. */
  readonly weights: Vector<'float32'>;
};

/** Options of `simplePreference`. */
export interface SimplePreferenceOptions {
  /** Scale of the rewards, beta. @default 2 */
  readonly beta?: number;
  /** By how much the reward of the chosen response should be higher, gamma. @default 0 */
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
    length: pairLength,
    weight: () => 1,
    batch(examples, rows, length, total) {
      const { ends: _, ...arrays } = pairArrays(examples, rows, length, 'both');
      return { ...arrays, weights: rowWeights(examples.length, rows, total) };
    },
    loss(config, weights, batch) {
      const { tokens, positions, targets } = batch;
      const losses = nextTokenLosses(config, weights, tokens, positions, targets);
      const { chosen, rejected } = pairMeanLogProbabilities(losses, batch);
      const differences: tf.Tensor1D = tf.mul(tf.sub(chosen, rejected), beta);
      return {
        loss: weightedSum(smoothedRankingLoss(tf.sub(differences, margin), labelSmoothing), batch.weights),
        metrics: { accuracy: shareCorrect(differences, batch.weights) },
      };
    },
  };
}
