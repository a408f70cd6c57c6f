import {
  type Answer,
  bootstrapInterval,
  conversationKey,
  type Interval,
  mean,
  type Prompt,
  type Random,
  type Tool,
} from '@gram/base';
import type { Judge } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import { rankAll } from '../ranking/rank.js';
import type { RankOptions } from '../ranking/ranking.js';

/**
 * Returns log n - (n - 1) / n, in nats: an upper bound on the KL divergence of the best of n samples from the policy that they were
 * drawn from, n being at least 1. It is the usual axis of best-of-n curves (Stiennon et al. 2020, Gao et al. 2023), often
 * given as the divergence itself; Beirami et al. 2024 show that it is a bound.
 */
export function bestOfNKl(n: number): number {
  return Math.log(n) - (n - 1) / n;
}

/** Rewards of N samples of one prompt. */
export interface SampleRewards {
  /** Rewards by the reward model that chooses. */
  readonly proxy: readonly number[];
  /** Rewards by the measure that counts, in the same order. */
  readonly gold?: readonly number[];
}

/** A mean over prompts. */
export interface MeanReward {
  readonly mean: number;
  /** See `bootstrapInterval`. */
  readonly interval: Interval;
}

/** The expected reward of the best of n samples. */
export interface BestOfNPoint {
  readonly n: number;
  /** See `bestOfNKl`. */
  readonly kl: number;
  readonly proxy: MeanReward;
  /** The same by gold rewards, where every group has them. */
  readonly gold?: MeanReward;
}

/**
 * Computes the expected reward of the sample that the proxy prefers among n, for several n.
 *
 * It is not one draw of n but the mean over all of them: of N samples in ascending order of the proxy, the one of rank i is the
 * best of n drawn without replacement with probability C(i - 1, n - 1) / C(N, n). Samples of equal proxy share theirs.
 *
 * @param groups one for each prompt; the means and their intervals are over them, so the interval of one is a point
 * @param sizes values of n, each from 1 to the number of samples of the smallest group
 * @param random draws the resamples of the intervals
 * @throws RewardError `bad-values` for groups that are missing, empty, uneven or not finite, or if only some have gold
 * rewards; `bad-option` for a size that is not whole or out of range
 */
export function bestOfNCurve(
  groups: readonly SampleRewards[],
  sizes: readonly number[],
  random: Pick<Random, 'integer'>,
): BestOfNPoint[] {
  checkGroups(groups, sizes);
  const summary = (values: readonly number[]): MeanReward => ({
    mean: mean(values),
    interval: bootstrapInterval(values, random),
  });
  const gold = groups.flatMap((group) => (group.gold === undefined ? [] : [group.gold]));
  return sizes.map((n) => {
    const shares = groups.map(({ proxy }) => choiceShares(proxy, n));
    const expected = (rewards: readonly (readonly number[])[]) =>
      summary(rewards.map((values, group) => weightedSum(values, shares[group] ?? [])));
    return {
      n,
      kl: bestOfNKl(n),
      proxy: expected(groups.map(({ proxy }) => proxy)),
      ...(gold.length === groups.length && { gold: expected(gold) }),
    };
  });
}

function weightedSum(values: readonly number[], weights: readonly number[]): number {
  return values.reduce((sum, value, i) => sum + (weights[i] ?? 0) * value, 0);
}

/** Computes the probability of each sample to be the best of n drawn without replacement. */
function choiceShares(proxy: readonly number[], n: number): number[] {
  const count = proxy.length;
  const ascending = proxy.map((reward, place) => ({ reward, place })).sort((a, b) => a.reward - b.reward);
  // From the best down: w_N = n / N, and w_(i-1) / w_i = (i - n) / (i - 1), so no factorial is needed.
  const byRank = new Array<number>(count).fill(0);
  let share = n / count;
  for (let rank = count; rank >= 1; rank--) {
    byRank[rank - 1] = share;
    share *= rank > 1 ? (rank - n) / (rank - 1) : 0;
  }
  const shares = new Array<number>(count).fill(0);
  for (let start = 0; start < count; ) {
    const tied = ascending.slice(start).filter(({ reward }) => reward === ascending[start]?.reward);
    const end = start + tied.length;
    const together = byRank.slice(start, end).reduce((sum, value) => sum + value, 0);
    for (const { place } of tied) shares[place] = together / tied.length;
    start = end;
  }
  return shares;
}

function checkGroups(groups: readonly SampleRewards[], sizes: readonly number[]): void {
  const refuse = (problem: string, hint: string) => new RewardError('bad-values', problem, hint);
  if (groups.length === 0) throw refuse('there are no groups of samples', 'give at least one group');
  const partly = new Set(groups.map(({ gold }) => gold === undefined)).size > 1;
  if (partly)
    throw refuse('some groups have gold rewards and some have none', 'give them to all, or to none');
  for (const [i, { proxy, gold = proxy }] of groups.entries()) {
    if (proxy.length === 0) throw refuse(`group ${i} has no samples`, 'give at least one sample');
    if (gold.length !== proxy.length) {
      throw refuse(
        `group ${i} has ${proxy.length} proxy and ${gold.length} gold rewards`,
        'give one of each for every sample',
      );
    }
    if (![...proxy, ...gold].every(Number.isFinite)) {
      throw refuse(`group ${i} has a reward that is not finite`, 'give finite numbers');
    }
  }
  const least = Math.min(...groups.map(({ proxy }) => proxy.length));
  const wrong = sizes.find((n) => !Number.isInteger(n) || n < 1 || n > least);
  if (wrong !== undefined) {
    throw new RewardError(
      'bad-option',
      `n is ${wrong}, and the smallest group has ${least} samples`,
      `give whole numbers from 1 to ${least}`,
    );
  }
}

/** Responses to one prompt of which the best is wanted. */
export interface ChoiceItem {
  /** Names the item in errors. */
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  /** One response or more. */
  readonly responses: readonly Answer[];
}

/** The response that was chosen. */
export interface Choice {
  /** Its place among the responses; of equal texts, the first. */
  readonly index: number;
  /** Pairs that were compared. */
  readonly comparisons: number;
  /** Whether text of a pair was cut to fit the model. */
  readonly truncated: boolean;
  /** Whether text of a pair was escaped. */
  readonly neutralized: boolean;
}

/**
 * Chooses the best response to each prompt with `rankAll`, which compares equal texts once and none with itself. The paper
 * scans: `strategy: 'linear-scan'`.
 *
 * @param options as for `rankAll`; `auto`, the default, compares all pairs of up to 4 responses and plays a `knockout` of more
 * @throws RewardError `too-few-responses` for an item without any; whatever `rankAll` throws
 */
export async function bestOfN(
  model: Judge,
  items: readonly ChoiceItem[],
  options: Omit<RankOptions, 'purpose'> = {},
): Promise<Choice[]> {
  const lists = items.map(({ responses, ...item }) => {
    const flags = { truncated: false, neutralized: false };
    if (responses.length > 0) return { ...item, responses: distinct(responses), flags };
    throw new RewardError('too-few-responses', `${item.id} has no responses`, 'give at least one response');
  });
  const open = lists.filter(({ responses }) => responses.length > 1);
  const onComparison: RankOptions['onComparison'] = (made) => {
    const flags = open[made.item]?.flags;
    if (flags !== undefined) {
      flags.truncated ||= made.comparison.truncated;
      flags.neutralized ||= made.comparison.neutralized;
    }
    options.onComparison?.(made);
  };
  const rankings = (await rankAll(model, open, { ...options, onComparison, purpose: 'best' })).values();
  return items.map(({ responses }, at): Choice => {
    const list = lists[at];
    if (list === undefined || list.responses.length < 2) {
      return { index: 0, comparisons: 0, truncated: false, neutralized: false };
    }
    const ranking = rankings.next().value;
    const best = list.responses[ranking?.order[0] ?? 0];
    return {
      // Of equal responses the first one is in the list.
      index: best === undefined ? 0 : responses.indexOf(best),
      comparisons: ranking?.comparisons ?? 0,
      ...list.flags,
    };
  });
}

/** The first of each equal responses. */
function distinct(responses: readonly Answer[]): Answer[] {
  const known = new Map<string, Answer>();
  for (const response of responses) {
    const key = conversationKey(response);
    if (!known.has(key)) known.set(key, response);
  }
  return [...known.values()];
}
