import type { RewardedResponse, RewardGroup } from './reward.js';

/** Kinds of failures of a reward function. */
export type FailureKind = 'error' | 'timeout' | 'wrong-count' | 'not-finite';

/** Fault of a call of a reward function. */
export interface RewardProblem {
  readonly kind: FailureKind;
  /** Predicate of the reward function. */
  readonly message: string;
  readonly cause?: unknown;
}

/** Checked rewards of one group: undefined for a response without an answer. */
type GroupAnswer = readonly (RewardedResponse | undefined)[];

/**
 * Checks what a reward function returned for some groups.
 *
 * @returns the rewards of each group, undefined for one whose rewards are wrong, and the first fault
 */
export function checkedRewards(
  given: unknown,
  groups: readonly RewardGroup[],
): { readonly rewards: (GroupAnswer | undefined)[]; readonly problem?: RewardProblem } {
  if (!Array.isArray(given) || given.length !== groups.length) {
    const count = Array.isArray(given) ? `${given.length} lists` : typeof given;
    const first = describePrompts(groups.slice(0, 1));
    const message = `returned ${count} for ${groups.length} prompts, the first being ${first}`;
    return { rewards: groups.map(() => undefined), problem: { kind: 'wrong-count', message } };
  }
  let problem: RewardProblem | undefined;
  const rewards = groups.map((group, i) => {
    const found = problemOf(given[i], group);
    problem ??= found;
    if (found !== undefined) return undefined;
    const own = (given[i] as readonly unknown[]).map(rewardOf);
    const late = own.filter((each) => each === undefined).length;
    if (late > 0) {
      const message = `gave no answer about ${late} of the ${own.length} responses of ${describePrompts([group])}`;
      problem ??= { kind: 'timeout', message };
    }
    return own;
  });
  return { rewards, ...(problem && { problem }) };
}

function problemOf(own: unknown, group: RewardGroup): RewardProblem | undefined {
  if (!Array.isArray(own) || own.length !== group.responses.length) {
    const count = Array.isArray(own) ? `${own.length} numbers` : typeof own;
    const message = `gave ${count} for the ${group.responses.length} responses of ${describePrompts([group])}`;
    return { kind: 'wrong-count', message };
  }
  // Not find: it could not tell a score that is undefined from none.
  const wrong = own.findIndex((score) => numberOf(score) !== null && !Number.isFinite(numberOf(score)));
  if (wrong < 0) return undefined;
  const message = `gave ${String(numberOf(own[wrong]))} for ${describePrompts([group])}`;
  return { kind: 'not-finite', message };
}

/** The number of what a reward function gave for a response; null for no reward. */
function numberOf(score: unknown): unknown {
  return typeof score === 'object' && score !== null && 'reward' in score ? score.reward : score;
}

function rewardOf(score: unknown): RewardedResponse | undefined {
  // `problemOf` has checked that it is one of these.
  const given = score as number | null | RewardedResponse;
  if (typeof given === 'number' || given === null) {
    return { reward: given, truncated: false, neutralized: false };
  }
  const { reward, truncated = false, neutralized = false, failed = false } = given;
  return failed ? undefined : { reward, truncated, neutralized };
}

/** Names the prompts of groups in a message. */
export function describePrompts(groups: readonly RewardGroup[]): string {
  const [first] = groups;
  const name = `prompt ${JSON.stringify(first?.id)}`;
  return groups.length > 1 ? `${groups.length} prompts from ${name} on` : name;
}
