import { zip } from '@gram/base';
import { PpoError } from '../error.js';
import { klEstimate } from '../losses/kl.js';
import type { PolicyExample } from '../objectives/policy.js';
import type { ValueExample } from '../objectives/value.js';
import type { PpoOptions } from '../options.js';
import type { ReferenceMeasure } from '../rollout/token-meter.js';
import { gae } from './gae.js';
import { grpoAdvantages, rlooAdvantages } from './groups.js';
import { responseRewards } from './response-rewards.js';
import { whiten } from './whiten.js';

/** One response with everything that was measured of it, before its advantages are known. */
export interface MeasuredResponse {
  readonly ids: readonly number[];
  readonly lossFrom: number;
  /** Log-probabilities under the policy that drew the response. */
  readonly logProbabilities: readonly number[];
  readonly reference: ReferenceMeasure;
  /** V of the state before each token; with a value model. */
  readonly values?: readonly number[];
  /** Standardized and scaled. */
  readonly score: number;
}

/** A response ready for the gradient steps; the value part is there with a value model. */
export type Experience = PolicyExample & Partial<Pick<ValueExample, 'values' | 'returns'>>;

/**
 * Estimates the KL to the reference at each token of a response.
 *
 * @throws PpoError `bad-option` when `full` is asked for and the exact KL was not measured
 */
export function klOfTokens(
  { logProbabilities, reference }: Pick<MeasuredResponse, 'logProbabilities' | 'reference'>,
  estimator: PpoOptions['kl']['estimator'],
): readonly number[] {
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
 * @param groups the responses to each prompt
 * @throws PpoError `bad-option` when `gae` is asked for and a response has no values
 */
export function makeExperience(
  groups: readonly (readonly MeasuredResponse[])[],
  options: Pick<PpoOptions, 'advantages' | 'kl' | 'discount' | 'lambda'>,
): Experience[] {
  return options.advantages === 'gae'
    ? tokenExperience(groups.flat(), options)
    : groups.flatMap((group) => groupExperience(group, options));
}

/** Advantages of tokens, from a value model. */
function tokenExperience(
  responses: readonly MeasuredResponse[],
  options: Parameters<typeof makeExperience>[1],
): Experience[] {
  const estimates = responses.map((response) => {
    const values = measured(response.values, 'the value of each token');
    return { values, ...gae(rewardsOf(response, options), values, options) };
  });
  const whitened = whiten(estimates.map(({ advantages }) => advantages));
  return zip(responses, zip(estimates, whitened)).map(([response, [{ values, returns }, advantages]]) => ({
    ...exampleOf(response),
    advantages,
    values,
    returns,
  }));
}

/** Advantages of responses, from the others to the same prompt. */
function groupExperience(
  responses: readonly MeasuredResponse[],
  options: Parameters<typeof makeExperience>[1],
): Experience[] {
  const estimate = options.advantages === 'rloo' ? rlooAdvantages : grpoAdvantages;
  const scores = responses.map((response) => rewardsOf(response, options).reduce((a, b) => a + b, 0));
  return zip(responses, estimate(scores)).map(([response, advantage]) => ({
    ...exampleOf(response),
    advantages: response.logProbabilities.map(() => advantage),
  }));
}

function rewardsOf(response: MeasuredResponse, { kl }: Pick<PpoOptions, 'kl'>): number[] {
  const weight = kl.in === 'reward' ? kl.weight : 0;
  return responseRewards(response.score, klOfTokens(response, kl.estimator), weight);
}

function exampleOf({ ids, lossFrom, logProbabilities, reference }: MeasuredResponse) {
  return { ids, lossFrom, logProbabilities, referenceLogProbabilities: reference.logProbabilities };
}

function measured<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new PpoError(
    'bad-option',
    `${what} of a response was not measured`,
    'measure the responses with a token meter',
  );
}
