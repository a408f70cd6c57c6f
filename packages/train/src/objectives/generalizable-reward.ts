import { hiddenStates, kindOf, type ModelConfig, scores, tokenLosses } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { TrainError } from '../error.js';
import { type PolicyPair, pairLength, pairWeight } from '../examples/kinds.js';
import { halves, rowWeights, type Vector, weightedSum } from './batch.js';
import type { Objective } from './objective.js';
import {
  type PairBatch,
  type PairEnds,
  PER_TOKEN_OF_PAIRS,
  pairArrays,
  pairLogProbabilities,
  type ReferencedPair,
  referenceMargins,
} from './policy-pairs.js';
import { shareCorrect, smoothedRankingLoss } from './smoothing.js';

type RegularizedBatch = PairBatch &
  PairEnds & {
    /** `[rows]`: the weight of each pair. */
    readonly weights: Vector<'float32'>;
    /** `[rows]`: log pi_ref(y_w | x) - log pi_ref(y_l | x), for `dpo`. */
    readonly reference?: Vector<'float32'>;
  };

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
): Objective<PolicyPair, RegularizedBatch, 'accuracy'>;
export function generalizableReward(
  regularizer: 'dpo',
  options?: GeneralizableRewardOptions,
): Objective<ReferencedPair, RegularizedBatch, 'accuracy'>;
export function generalizableReward(
  regularizer: 'sft' | 'dpo',
  { weight = 0.01, beta = 0.1 }: GeneralizableRewardOptions = {},
): Objective<ReferencedPair, RegularizedBatch, 'accuracy'> {
  const compared = regularizer === 'dpo';
  return {
    name: `generalizable-reward, ${regularizer}, weight ${weight}, beta ${beta}`,
    metrics: ['accuracy'],
    perToken: PER_TOKEN_OF_PAIRS,
    length: pairLength,
    weight: pairWeight,
    batch(examples, rows, length, total) {
      return {
        ...pairArrays(examples, rows, length, compared ? 'both' : 'chosen'),
        ...(compared && { reference: referenceMargins(examples, rows) }),
        weights: rowWeights(examples.map(pairWeight), rows, total),
      };
    },
    loss(config, weights, batch) {
      checkHeads(config);
      const { tokens, ends, positions, targets, reference, tables } = batch;
      const states = hiddenStates(config, weights, tokens, tables);
      const [better, worse] = halves(scores(config, weights, tf.gather(states, ends)));
      const margins: tf.Tensor1D = tf.sub(better, worse);
      const losses = tokenLosses(config, weights, tf.gather(states, positions), targets);
      const { chosen, rejected } = pairLogProbabilities(losses, batch);
      const kept: tf.Tensor1D = reference ? tf.sub(tf.sub(chosen, rejected), reference) : chosen;
      const ranking = smoothedRankingLoss(margins, 0);
      const regularizing = smoothedRankingLoss(tf.mul(kept, beta), 0);
      return {
        loss: weightedSum(tf.add(tf.mul(ranking, 1 - weight), tf.mul(regularizing, weight)), batch.weights),
        metrics: { accuracy: shareCorrect(margins, batch.weights) },
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
