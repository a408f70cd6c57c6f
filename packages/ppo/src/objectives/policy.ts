import { hiddenStates, type ModelTensors, tokenLosses, vocabularyLogits, type Weights } from '@gram/model';
import type { Batch, Objective } from '@gram/train';
import * as tf from '@tensorflow/tfjs-core';
import { fullKl, type KlEstimator, klTerms } from '../kl.js';
import { policyTerms } from '../losses/policy-loss.js';
import { type ResponseTokens, responseBatch } from './tokens.js';

/** A response with what PPO knows of each of its tokens. */
export interface PolicyExample extends ResponseTokens {
  /** Under the policy that drew it. */
  readonly logProbabilities: readonly number[];
  readonly advantages: readonly number[];
  /** Under the frozen reference. */
  readonly referenceLogProbabilities: readonly number[];
}

/** Options of the policy objective. */
export interface PolicyOptions {
  /** See `policyTerms`. */
  readonly clip: number;
  /** A KL term inside the loss; without it the KL belongs to the reward. */
  readonly kl?: {
    readonly weight: number;
    readonly estimator: KlEstimator;
    /** The frozen reference: `full` needs its whole distribution. */
    readonly reference: Weights;
  };
}

const referencePrefix = 'reference:';

/**
 * The policy's objective: the clipped surrogate, and the weighted KL to the reference where it is part of the loss; the
 * mean over all response tokens of a mini-batch.
 *
 * Metrics: `approxKl`, the mean of old - new log-probability, which is 0 before the first update of a step, and
 * `clipped`, the share of tokens without a gradient.
 */
export function policyObjective({ clip, kl }: PolicyOptions): Objective<PolicyExample> {
  const references =
    kl?.estimator === 'full'
      ? Object.fromEntries(
          Object.entries(kl.reference).map(([name, array]) => [referencePrefix + name, array]),
        )
      : {};
  return {
    name: `ppo policy, clip ${clip}, ${kl === undefined ? 'no KL' : `${kl.weight} ${kl.estimator}`}`,
    metrics: ['approxKl', 'clipped'],
    length: ({ ids }) => ids.length,
    weight: ({ ids, lossFrom }) => ids.length - lossFrom,
    batch: (examples, rows, length, total) => ({
      ...responseBatch(examples, rows, length, total, {
        old: (example) => example.logProbabilities,
        advantages: (example) => example.advantages,
        reference: (example) => example.referenceLogProbabilities,
      }),
      ...references,
    }),
    loss(config, weights, batch) {
      const [tokens, positions, targets] = [
        batch.tokens as tf.Tensor2D,
        batch.positions as tf.Tensor1D,
        batch.targets as tf.Tensor1D,
      ];
      const share = batch.weights as tf.Tensor1D;
      const mean = (terms: tf.Tensor) => tf.sum(tf.mul(terms, share)) as tf.Scalar;
      const states = (of: ModelTensors) => tf.gather(hiddenStates(config, of, tokens), positions);
      const own = states(weights);
      const logProbabilities = tf.neg(tokenLosses(config, weights, own, targets)) as tf.Tensor1D;
      const { losses, logRatios, clipped } = policyTerms(
        logProbabilities,
        batch.old as tf.Tensor1D,
        batch.advantages as tf.Tensor1D,
        clip,
      );
      let loss = mean(losses);
      if (kl !== undefined) {
        const reference = referenceOf(batch);
        const terms =
          kl.estimator === 'full'
            ? fullKl(
                vocabularyLogits(config, weights, own),
                vocabularyLogits(config, reference, states(reference)),
              )
            : klTerms(kl.estimator, logProbabilities, batch.reference as tf.Tensor1D);
        loss = tf.add(loss, tf.mul(mean(terms), kl.weight));
      }
      return {
        loss,
        metrics: { approxKl: tf.keep(tf.neg(mean(logRatios))), clipped: tf.keep(mean(clipped)) },
      };
    },
  };
}

function referenceOf(batch: Batch<tf.Tensor>): ModelTensors {
  const own = Object.entries(batch).filter(([name]) => name.startsWith(referencePrefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(referencePrefix.length), tensor]));
}
