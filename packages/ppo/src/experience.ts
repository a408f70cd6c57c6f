import { gae } from './advantages/gae.js';
import { grpoAdvantages, rlooAdvantages } from './advantages/groups.js';
import { whiten } from './advantages/whiten.js';
import { klEstimate } from './kl.js';
import type { PolicyExample } from './objectives/policy.js';
import type { ValueExample } from './objectives/value.js';
import type { PpoOptions } from './options.js';
import { responseRewards } from './response-rewards.js';
import type { Rollout } from './rollout/collect.js';
import type { ReferenceMeasure } from './rollout/measure.js';

/** One response with everything that was measured of it, before its advantages are known. */
export interface MeasuredResponse {
  readonly ids: readonly number[];
  readonly lossFrom: number;
  /** Under the policy that drew it. */
  readonly logProbabilities: readonly number[];
  readonly reference: ReferenceMeasure;
  /** V of the state before each token; with a value model. */
  readonly values?: readonly number[];
  /** Standardised and scaled. */
  readonly score: number;
}

/** A response ready for the gradient steps; the value part is there with a value model. */
export type Experience = PolicyExample & Partial<Pick<ValueExample, 'values' | 'returns'>>;

/** Token ids of the responses of rollouts, in order, each after its prompt. */
export function responseTokens(rollouts: readonly Rollout[]) {
  return rollouts.flatMap(({ promptIds, responses }) =>
    responses.map(({ ids, logProbabilities }) => ({
      ids: [...promptIds, ...ids],
      lossFrom: promptIds.length,
      logProbabilities,
    })),
  );
}

/** KL estimate of each token of a response. */
export function klOfTokens(
  { logProbabilities, reference }: Pick<MeasuredResponse, 'logProbabilities' | 'reference'>,
  estimator: PpoOptions['kl']['estimator'],
): readonly number[] {
  if (estimator === 'full') return reference.kl!;
  return logProbabilities.map((own, t) => klEstimate(estimator, own, reference.logProbabilities[t]!));
}

/**
 * Turns measured responses into what the gradient steps learn from.
 *
 * With `gae` the rewards of the tokens and the values give advantages, which are whitened over the step, and returns.
 * With `rloo` and `grpo` all tokens of a response share one advantage, that of its score (less the KL, where the KL is
 * in the reward) among the responses to the same prompt.
 *
 * @param groups the responses to each prompt
 */
export function makeExperience(
  groups: readonly (readonly MeasuredResponse[])[],
  {
    advantages: estimator,
    kl,
    discount,
    lambda,
  }: Pick<PpoOptions, 'advantages' | 'kl' | 'discount' | 'lambda'>,
): Experience[] {
  const klWeight = kl.in === 'reward' ? kl.weight : 0;
  const rewardsOf = (response: MeasuredResponse) =>
    responseRewards(response.score, klOfTokens(response, kl.estimator), klWeight);
  const base = ({ ids, lossFrom, logProbabilities, reference }: MeasuredResponse) => ({
    ids,
    lossFrom,
    logProbabilities,
    referenceLogProbabilities: reference.logProbabilities,
  });
  if (estimator === 'gae') {
    const responses = groups.flat();
    const estimates = responses.map((response) =>
      gae(rewardsOf(response), response.values!, { discount, lambda }),
    );
    const advantages = whiten(estimates.map((estimate) => estimate.advantages));
    return responses.map((response, i) => ({
      ...base(response),
      advantages: advantages[i]!,
      values: response.values!,
      returns: estimates[i]!.returns,
    }));
  }
  const compare = estimator === 'rloo' ? rlooAdvantages : grpoAdvantages;
  return groups.flatMap((responses) => {
    const advantages = compare(responses.map((response) => rewardsOf(response).reduce((a, b) => a + b, 0)));
    return responses.map((response, i) => ({
      ...base(response),
      advantages: response.logProbabilities.map(() => advantages[i]!),
    }));
  });
}
