import { zip } from '@gram/base';
import { PpoError } from '../error.js';
import { klEstimate } from '../losses/kl.js';
import type { PolicyExample } from '../objectives/policy.js';
import type { ValueExample } from '../objectives/value.js';
import type { AdvantageEstimator, PpoOptions } from '../options.js';
import type { ReferenceMeasure } from '../rollout/token-meter.js';
import { gae } from './gae.js';
import { grpoAdvantages, rlooAdvantages } from './groups.js';
import { responseRewards } from './response-rewards.js';
import { whiten } from './whiten.js';

/** One response with everything that was measured of it, before its advantages are known. */
export interface MeasuredResponse {
  readonly ids: readonly number[];
  readonly lossFrom: number;
  /** Log-probabilities under the policy before the gradient steps. */
  readonly logProbabilities: readonly number[];
  /** Weights of the tokens, where another distribution drew them, see `truncatedRatios`. @default 1 each */
  readonly importance?: readonly number[];
  /** Measures of the reference model; none in a run without a reference. */
  readonly reference?: ReferenceMeasure;
  /** V of the state before each token; with a value model. */
  readonly values?: readonly number[];
  /** Standardized and scaled; null where there is no reward. */
  readonly score: number | null;
  /**
   * Whether the response is kept out of the loss although it has a score, which stays in the baseline of the others: a response
   * without an end token, where these are masked. @default false
   */
  readonly isMasked?: boolean;
}

/** A response ready for the gradient steps; the value part is there with a value model. */
export type Experience = PolicyExample & Partial<Pick<ValueExample, 'values' | 'returns'>>;

/**
 * Estimates the KL to the reference at each token of a response; 0 without a reference.
 *
 * @throws PpoError `bad-option` when `full` is asked for and the exact KL was not measured
 */
export function klOfTokens(
  { logProbabilities, reference }: Pick<MeasuredResponse, 'logProbabilities' | 'reference'>,
  estimator: PpoOptions['kl']['estimator'],
): readonly number[] {
  if (reference === undefined) return logProbabilities.map(() => 0);
  if (estimator === 'full') return measured(reference.kl, 'the exact KL');
  return zip(logProbabilities, reference.logProbabilities).map(([own, other]) =>
    klEstimate(estimator, own, other),
  );
}

/**
 * Turns measured responses into what the gradient steps learn from.
 *
 * With `gae` the rewards of the tokens and the values give advantages, which are whitened over the step, and returns.
 * With `rloo` and `grpo` all tokens of a response share one advantage, that of its score (less the KL, where the KL is
 * in the reward) among the responses to the same prompt.
 *
 * A response without a score leaves the loss of policy and value model: whitening and the baselines of the others are computed
 * without it. So does one that is the only one with a score among the responses to its prompt, where these are compared. One
 * that is masked leaves the loss and the whitening, and its score stays in the baselines.
 *
 * @param groups the responses to each prompt
 * @returns the responses that are learned from, in their order
 * @throws PpoError `bad-option` when `gae` is asked for and a response has no values
 */
export function makeExperience(
  groups: readonly (readonly MeasuredResponse[])[],
  options: ExperienceOptions,
): Experience[] {
  return options.advantages === 'gae'
    ? tokenExperience(groups.flat(), options)
    : groups.flatMap((group) => groupExperience(group, options));
}

/** Options of `makeExperience`. */
export type ExperienceOptions = Pick<PpoOptions, 'discount' | 'lambda'> & {
  readonly advantages: AdvantageEstimator;
  readonly kl: Pick<PpoOptions['kl'], 'weight' | 'estimator' | 'in'>;
  /** @default 'deviation' */
  readonly groupScale?: PpoOptions['groupScale'];
};

/** Advantages of tokens, from a value model. */
function tokenExperience(responses: readonly MeasuredResponse[], options: ExperienceOptions): Experience[] {
  const learned = responses.filter(isScored).filter(({ isMasked = false }) => !isMasked);
  const estimates = learned.map((response) => {
    const values = measured(response.values, 'the value of each token');
    return { values, ...gae(rewardsOf(response, options), values, options) };
  });
  const whitened = whiten(estimates.map(({ advantages }) => advantages));
  return zip(learned, zip(estimates, whitened)).map(([response, [{ values, returns }, advantages]]) => ({
    ...exampleOf(response, options),
    advantages,
    values,
    returns,
  }));
}

/** Advantages of responses, from the others to the same prompt. */
function groupExperience(responses: readonly MeasuredResponse[], options: ExperienceOptions): Experience[] {
  const scores = responses.map((response) =>
    isScored(response) ? rewardsOf(response, options).reduce((a, b) => a + b, 0) : null,
  );
  const advantages =
    options.advantages === 'rloo'
      ? rlooAdvantages(scores)
      : grpoAdvantages(scores, { scale: options.groupScale });
  return zip(responses, advantages).flatMap(([response, advantage]) =>
    advantage === null || response.isMasked
      ? []
      : [
          {
            ...exampleOf(response, options),
            advantages: response.logProbabilities.map(() => advantage),
          },
        ],
  );
}

type ScoredResponse = MeasuredResponse & { readonly score: number };

function isScored(response: MeasuredResponse): response is ScoredResponse {
  return response.score !== null;
}

function rewardsOf(response: ScoredResponse, { kl }: ExperienceOptions): number[] {
  const weight = kl.in === 'reward' ? kl.weight : 0;
  return responseRewards(response.score, klOfTokens(response, kl.estimator), weight);
}

function exampleOf(
  { ids, lossFrom, logProbabilities, importance, reference }: MeasuredResponse,
  { kl }: ExperienceOptions,
): Omit<PolicyExample, 'advantages'> {
  return {
    ...{ ids, lossFrom, logProbabilities },
    ...(importance && { importance }),
    ...(reference && { referenceLogProbabilities: reference.logProbabilities }),
    klWeight: kl.in === 'loss' ? kl.weight : 0,
  };
}

function measured<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new PpoError(
    'bad-option',
    `${what} of a response was not measured`,
    'measure the responses with a token meter',
  );
}
