import { hiddenStates, type ModelTensors, tokenLosses, vocabularyLogits, type Weights } from '@gram/model';
import type { Batch, Objective } from '@gram/train';
import * as tf from '@tensorflow/tfjs-core';
import { fullKl, type KlEstimator, klTerms } from '../losses/kl.js';
import { policyTerms } from '../losses/policy-loss.js';
import { type ResponseTokens, responseLayout } from './response-layout.js';

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

const REFERENCE_PREFIX = 'reference:';

/**
 * Makes the objective of the policy: the clipped surrogate, and the weighted KL to the reference where it is part of the
 * loss; the mean over all response tokens of a mini-batch.
 *
 * Metrics: `approxKl`, the mean of old - new log-probability, which is 0 before the first update of a step, and
 * `clipped`, the share of tokens without a gradient.
 */
export function policyObjective({ clip, kl }: PolicyOptions): Objective<PolicyExample> {
  const references =
    kl?.estimator === 'full'
      ? Object.fromEntries(
          Object.entries(kl.reference).map(([name, array]) => [REFERENCE_PREFIX + name, array]),
        )
      : {};
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
        ...references,
      };
    },
    loss(config, weights, batch) {
      const [tokens, positions, targets] = [
        batch.tokens as tf.Tensor2D,
        batch.positions as tf.Tensor1D,
        batch.targets as tf.Tensor1D,
      ];
      const mean = (terms: tf.Tensor) => tf.sum(tf.mul(terms, batch.weights as tf.Tensor)) as tf.Scalar;
      const statesOf = (model: ModelTensors) => tf.gather(hiddenStates(config, model, tokens), positions);
      const states = statesOf(weights);
      const logProbabilities = tf.neg(tokenLosses(config, weights, states, targets)) as tf.Tensor1D;
      /** The KL to the reference at each response token, `[P]`. */
      const klOf = (estimator: KlEstimator) => {
        if (estimator !== 'full') {
          return klTerms(estimator, logProbabilities, batch.reference as tf.Tensor1D);
        }
        const reference = referenceOf(batch);
        return fullKl(
          vocabularyLogits(config, weights, states),
          vocabularyLogits(config, reference, statesOf(reference)),
        );
      };
      const old = batch.old as tf.Tensor1D;
      const { losses, logRatios, clipped } = policyTerms(
        logProbabilities,
        old,
        batch.advantages as tf.Tensor1D,
        clip,
      );
      const surrogate = mean(losses);
      return {
        loss: kl === undefined ? surrogate : tf.add(surrogate, tf.mul(mean(klOf(kl.estimator)), kl.weight)),
        metrics: { approxKl: tf.keep(tf.neg(mean(logRatios))), clipped: tf.keep(mean(clipped)) },
      };
    },
  };
}

/** The weights of the reference, which are among the arrays of a batch where the KL needs its whole distribution. */
function referenceOf(batch: Batch<tf.Tensor>): ModelTensors {
  const own = Object.entries(batch).filter(([name]) => name.startsWith(REFERENCE_PREFIX));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(REFERENCE_PREFIX.length), tensor]));
}
