import { crossEntropy } from '@gram/engine';
import {
  hiddenStates,
  type ModelTensors,
  type PlacedWeights,
  vocabularyLogits,
  type Weights,
} from '@gram/model';
import { type BatchArrays, type FrozenModel, type Objective, type Vector, weightedSum } from '@gram/train';
import * as tf from '@tensorflow/tfjs-core';
import { type LossAggregation, responseWeight, tokenWeight } from '../losses/aggregation.js';
import { entropies } from '../losses/entropy.js';
import { fullKl, type KlEstimator, klTerms } from '../losses/kl.js';
import { type ClipRange, policyTerms } from '../losses/policy-loss.js';
import {
  PER_TOKEN,
  type ResponseBatch,
  type ResponseTokens,
  responseLayout,
  responseLength,
} from './response-layout.js';

/** A response with what PPO knows about each of its tokens. */
export interface PolicyExample extends ResponseTokens {
  /** Log-probabilities under the policy before the gradient steps. */
  readonly logProbabilities: readonly number[];
  /** Weights of the tokens in the surrogate, where another distribution drew them, see `truncatedRatios`. @default 1 each */
  readonly importance?: readonly number[];
  readonly advantages: readonly number[];
  /** Log-probabilities under the frozen reference; where there is one. */
  readonly referenceLogProbabilities?: readonly number[];
  /** Weight of the KL in the loss. @default 0 */
  readonly klWeight?: number;
}

/** Options of the policy objective. */
export interface PolicyOptions {
  /** Bounds of the probability ratio, see `policyTerms`. */
  readonly clip: ClipRange;
  /** @default 'token' */
  readonly aggregation?: LossAggregation;
  /** Most tokens of a response; the divisor of the aggregation `fixed`, which needs it. */
  readonly maxNewTokens?: number;
  /** Weight of the mean entropy, which is subtracted from the loss. @default 0 */
  readonly entropyWeight?: number;
  /** A KL term inside the loss, of which each example says the weight. @default none: the KL belongs to the reward */
  readonly kl?: {
    readonly estimator: KlEstimator;
    /** The frozen reference: `full` needs its whole distribution. */
    readonly reference: PlacedWeights;
  };
}

type PolicyBatch = ResponseBatch & {
  /** `[P]`: the share of each token in the metrics. They sum to 1 over a step. */
  readonly shares: Vector<'float32'>;
  /** `[P]`: log-probabilities under the policy before the gradient steps. */
  readonly old: Vector<'float32'>;
  /** `[P]` */
  readonly advantages: Vector<'float32'>;
  /** `[P]`: the weight of each token in the surrogate. */
  readonly importance: Vector<'float32'>;
  /** `[P]`: log-probabilities under the frozen reference; with a KL in the loss. */
  readonly reference?: Vector<'float32'>;
  /** `[P]`: weight of the KL of each token; with a KL in the loss. */
  readonly klWeights?: Vector<'float32'>;
  /** The frozen reference, where the KL needs its whole distribution. */
  readonly referenceModel?: FrozenModel;
};

/** The numbers of `policyObjective` beside the loss. */
export type PolicyMetric = 'approxKl' | 'clipped' | 'entropy';

/**
 * Makes the objective of the policy: the clipped surrogate, the weighted KL to the reference where it is part of the
 * loss, and less the weighted entropy; the mean over the response tokens of a mini-batch that `aggregation` names.
 *
 * Metrics: `approxKl`, the mean of old - new log-probability, which is 0 before the first update of a step; `clipped`, the share
 * of tokens without a gradient; and `entropy`, the mean entropy of the next token in nats.
 */
export function policyObjective({
  clip,
  kl,
  aggregation = 'token',
  maxNewTokens = Number.NaN,
  entropyWeight = 0,
}: PolicyOptions): Objective<PolicyExample, PolicyBatch, PolicyMetric> {
  return {
    name: `ppo policy, clip ${clip.low} to ${clip.high}, ${aggregation}, ${kl?.estimator ?? 'no KL'}, entropy ${entropyWeight}`,
    metrics: ['approxKl', 'clipped', 'entropy'],
    perToken: [
      ...PER_TOKEN,
      ...['shares', 'old', 'advantages', 'importance'],
      ...(kl === undefined ? [] : ['reference', 'klWeights']),
    ],
    length: ({ ids }) => ids.length,
    weight: (example) => responseWeight(aggregation, responseLength(example)),
    batch(examples, rows, length, total) {
      return policyBatch(examples, { rows, length, total }, { kl, aggregation, maxNewTokens });
    },
    loss(config, weights, batch) {
      const { tokens, positions, tables, reference, klWeights } = batch;
      const mean = (terms: tf.Tensor1D) => weightedSum(terms, batch.weights);
      const reported = (terms: tf.Tensor1D) => tf.keep(weightedSum(terms, batch.shares));
      const logitsOf = (model: ModelTensors): tf.Tensor2D =>
        vocabularyLogits(config, model, tf.gather(hiddenStates(config, model, tokens, tables), positions));
      const logits = logitsOf(weights);
      const logProbabilities: tf.Tensor1D = tf.neg(crossEntropy(logits, batch.targets));
      const { losses, logRatios, clipped } = policyTerms(logProbabilities, batch.old, batch.advantages, clip);
      const entropy = entropies(logits);
      const terms = [mean(tf.mul(losses, batch.importance))];
      if (kl !== undefined && reference !== undefined && klWeights !== undefined) {
        /** The KL to the reference at each response token, `[P]`. */
        const estimates =
          kl.estimator === 'full'
            ? fullKl(logits, logitsOf(frozen(batch.referenceModel)))
            : klTerms(kl.estimator, logProbabilities, reference);
        terms.push(mean(tf.mul(estimates, klWeights)));
      }
      if (entropyWeight > 0) terms.push(tf.mul(mean(entropy), -entropyWeight));
      return {
        loss: tf.addN(terms),
        metrics: {
          approxKl: reported(tf.neg(logRatios)),
          clipped: reported(clipped),
          entropy: reported(entropy),
        },
      };
    },
  };
}

/** Lays out the responses of a micro-batch, of a step of the weight `total`. */
function policyBatch(
  examples: readonly PolicyExample[],
  { rows, length, total }: Readonly<Record<'rows' | 'length' | 'total', number>>,
  {
    kl,
    aggregation,
    maxNewTokens,
  }: Required<Pick<PolicyOptions, 'aggregation' | 'maxNewTokens'>> & Pick<PolicyOptions, 'kl'>,
): BatchArrays<PolicyBatch> {
  const weightBy = (kind: LossAggregation) => (example: PolicyExample) =>
    tokenWeight(kind, total, { tokens: responseLength(example), maxNewTokens });
  const { arrays, column, repeated } = responseLayout(examples, rows, length, weightBy(aggregation));
  return {
    ...arrays,
    shares: repeated(weightBy(aggregation === 'fixed' ? 'sequence' : aggregation)),
    old: column((example) => example.logProbabilities),
    advantages: column((example) => example.advantages),
    importance: column(({ importance, advantages }) => importance ?? advantages.map(() => 1)),
    ...(kl !== undefined && {
      reference: column((example) => example.referenceLogProbabilities ?? []),
      klWeights: repeated(({ klWeight = 0 }) => klWeight),
    }),
    // A compiled step takes arrays of its device as well as those in host memory, of which the type of a batch speaks.
    ...(kl?.estimator === 'full' && { referenceModel: kl.reference as Weights }),
  };
}

function frozen<Model>(model: Model | undefined): Model {
  if (model === undefined) throw new RangeError('the full KL needs the weights of the reference');
  return model;
}
