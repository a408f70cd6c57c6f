import { float32 } from '@gram/engine';
import { hiddenStates, kindOf, type ModelConfig, scores, tokenLosses } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { TrainError } from '../error.js';
import { type Objective, rowWeights } from './objective.js';
import {
  type PolicyPair,
  pairArrays,
  pairLength,
  pairLogProbabilities,
  type ReferencedPair,
  referenceMargins,
} from './policy-pairs.js';
import { shareCorrect, smoothedRankingLoss } from './smoothing.js';

/** Options of `generalizableReward`. */
export interface GeneralizableRewardOptions {
  /** Weight a of the regularizer, from 0 to 1. @default 0.01 */
  readonly weight?: number;
  /** Scale b of the log-probabilities. @default 0.1 */
  readonly beta?: number;
}

/**
 * GRM, a generalizable reward model (Yang et al., NeurIPS 2024): the score of a response is trained with Bradley-Terry, while
 * the next-token head over the same decoder keeps writing the chosen response.
 *
 *     L = (1 - a) (-log sigmoid(r_w - r_l)) + a L_reg
 *
 *     sft:  L_reg = -log sigmoid(b log pi(y_w | x))
 *     dpo:  L_reg = -log sigmoid(b ((log pi(y_w | x) - log pi(y_l | x)) - (log pi_ref(y_w | x) - log pi_ref(y_l | x))))
 *
 * log pi is the sum over the tokens of a response. The decoder runs once for both heads. The model is one that scores and has
 * a next-token head, tied or kept (`keepsLanguageHead`); the authors' score head has a hidden layer of 1024 (`scoreHead`).
 * `accuracy` is that of the rewards.
 *
 * `loss` throws TrainError `bad-config` for a model without one of the heads.
 *
 * @param regularizer the paper's variants; `dpo` needs what the reference says of each pair
 */
export function generalizableReward(
  regularizer: 'sft',
  options?: GeneralizableRewardOptions,
): Objective<PolicyPair>;
export function generalizableReward(
  regularizer: 'dpo',
  options?: GeneralizableRewardOptions,
): Objective<ReferencedPair>;
export function generalizableReward(
  regularizer: 'sft' | 'dpo',
  { weight = 0.01, beta = 0.1 }: GeneralizableRewardOptions = {},
): Objective<ReferencedPair> {
  const compared = regularizer === 'dpo';
  return {
    name: `generalizable-reward, ${regularizer}, weight ${weight}, beta ${beta}`,
    metrics: ['accuracy'],
    length: pairLength,
    weight: () => 1,
    batch(examples, rows, length, total) {
      return {
        ...pairArrays(examples, rows, length, compared ? 'both' : 'chosen'),
        ...(compared && { reference: referenceMargins(examples, rows) }),
        weights: float32([rows], rowWeights(examples.length, rows, total)),
      };
    },
    loss(config, weights, batch) {
      checkHeads(config);
      const states = hiddenStates(config, weights, batch.tokens as tf.Tensor2D);
      const rewards = scores(config, weights, tf.gather(states, batch.ends as tf.Tensor1D));
      const [better, worse] = tf.split(rewards, 2) as [tf.Tensor1D, tf.Tensor1D];
      const margins = tf.sub(better, worse) as tf.Tensor1D;
      const speaking = tf.gather(states, batch.positions as tf.Tensor1D);
      const losses = tokenLosses(config, weights, speaking, batch.targets as tf.Tensor1D);
      const { chosen, rejected } = pairLogProbabilities(losses, batch);
      const kept = compared ? tf.sub(tf.sub(chosen, rejected), batch.reference as tf.Tensor) : chosen;
      const ranking = smoothedRankingLoss(margins, 0);
      const regularizing = smoothedRankingLoss(tf.mul(kept, beta), 0);
      const both = tf.add(tf.mul(ranking, 1 - weight), tf.mul(regularizing, weight));
      return {
        loss: tf.sum(tf.mul(both, batch.weights as tf.Tensor)) as tf.Scalar,
        metrics: { accuracy: shareCorrect(margins, batch.weights as tf.Tensor1D) },
      };
    },
  };
}

function checkHeads(config: ModelConfig): void {
  const speaks = config.tieWordEmbeddings || config.keepsLanguageHead;
  if (kindOf(config).head === 'score' && speaks) return;
  throw new TrainError(
    'bad-config',
    `a generalizable reward model scores and keeps its language head, and the configuration says ${config.architecture}${
      speaks ? '' : ' without keepsLanguageHead'
    }`,
    'give a configuration of a model that scores, with tied embeddings or keepsLanguageHead',
  );
}
