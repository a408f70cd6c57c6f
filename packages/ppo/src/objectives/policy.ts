import { hiddenStates, type ModelTensors, tokenLosses, vocabularyLogits, type Weights } from '@gram/model';
import { type FrozenModel, type Objective, type Vector, weightedSum } from '@gram/train';
import * as tf from '@tensorflow/tfjs-core';
import { fullKl, type KlEstimator, klTerms } from '../losses/kl.js';
import { policyTerms } from '../losses/policy-loss.js';
import { type ResponseBatch, type ResponseTokens, responseLayout } from './response-layout.js';

/** A response with what PPO knows about each of its tokens. */
export interface PolicyExample extends ResponseTokens {
  /** Log-probabilities under the policy that drew the response. */
  readonly logProbabilities: readonly number[];
  readonly advantages: readonly number[];
  /** Log-probabilities under the frozen reference. */
  readonly referenceLogProbabilities: readonly number[];
}

/** Options of the policy objective. */
export interface PolicyOptions {
  /** Bound of the probability ratio, see `policyTerms`. */
  readonly clip: number;
  /** A KL term inside the loss. @default none: the KL belongs to the reward */
  readonly kl?: {
    readonly weight: number;
    readonly estimator: KlEstimator;
    /** The frozen reference: `full` needs its whole distribution. */
    readonly reference: Weights;
  };
}

type PolicyBatch = ResponseBatch & {
  /** `[P]`: log-probabilities under the policy that drew the tokens. */
  readonly old: Vector<'float32'>;
  /** `[P]` */
  readonly advantages: Vector<'float32'>;
  /** `[P]`: log-probabilities under the frozen reference. */
  readonly reference: Vector<'float32'>;
  /** The frozen reference, where the KL needs its whole distribution. */
  readonly referenceModel?: FrozenModel;
};

/** The numbers of `policyObjective` beside the loss. */
export type PolicyMetric = 'approxKl' | 'clipped';

/**
 * Makes the objective of the policy: the clipped surrogate, and the weighted KL to the reference where it is part of the
 * loss; the mean over all response tokens of a mini-batch.
 *
 * Metrics: `approxKl`, the mean of old - new log-probability, which is 0 before the first update of a step, and
 * `clipped`, the share of tokens without a gradient.
 */
export function policyObjective({
  clip,
  kl,
}: PolicyOptions): Objective<PolicyExample, PolicyBatch, PolicyMetric> {
  return {
    name: `ppo policy, clip ${clip}, ${kl === undefined ? 'no KL' : `${kl.weight} ${kl.estimator}`}`,
    metrics: ['approxKl', 'clipped'],
    length: ({ ids }) => ids.length,
    weight: ({ ids, lossFrom }) => ids.length - lossFrom,
    batch(examples, rows, length, total) {
      const { arrays, column } = responseLayout(examples, rows, length, total);
      return {
        ...arrays,
        old: column((example) => example.logProbabilities),
        advantages: column((example) => example.advantages),
        reference: column((example) => example.referenceLogProbabilities),
        ...(kl?.estimator === 'full' && { referenceModel: kl.reference }),
      };
    },
    loss(config, weights, batch) {
      const { tokens, positions, targets, old, advantages, reference, referenceModel } = batch;
      const mean = (terms: tf.Tensor1D) => weightedSum(terms, batch.weights);
      const statesOf = (model: ModelTensors) => tf.gather(hiddenStates(config, model, tokens), positions);
      const states = statesOf(weights);
      const logProbabilities: tf.Tensor1D = tf.neg(tokenLosses(config, weights, states, targets));
      /** The KL to the reference at each response token, `[P]`. */
      const klOf = (estimator: KlEstimator) => {
        if (estimator !== 'full') return klTerms(estimator, logProbabilities, reference);
        if (!referenceModel) throw new RangeError('the full KL needs the weights of the reference');
        return fullKl(
          vocabularyLogits(config, weights, states),
          vocabularyLogits(config, referenceModel, statesOf(referenceModel)),
        );
      };
      const { losses, logRatios, clipped } = policyTerms(logProbabilities, old, advantages, clip);
      const surrogate = mean(losses);
      return {
        loss: kl === undefined ? surrogate : tf.add(surrogate, tf.mul(mean(klOf(kl.estimator)), kl.weight)),
        metrics: { approxKl: tf.keep(tf.neg(mean(logRatios))), clipped: tf.keep(mean(clipped)) },
      };
    },
  };
}
