import { wait } from '@gram/base';
import { PpoError } from '../error.js';
import { checkedRewards, describePrompts, type RewardProblem } from './check-rewards.js';
import type { RewardContext, RewardedResponse, RewardFunction, RewardGroup } from './reward.js';

/** Treatment of a reward function that fails: it throws, does not answer, or answers with something else than rewards. */
export interface FailurePolicy {
  /** Consequence of a failure that stays: the run stops, or the responses have no reward. @default 'stop' */
  readonly onFailure: 'stop' | 'mask';
  /** Number of times that a call is repeated. @default 0 */
  readonly retries: number;
  /** Wait before the first repetition, in milliseconds; each further one waits twice as long. @default 250 */
  readonly backoffMs: number;
  /** Time for one call, in milliseconds. @default no limit */
  readonly timeoutMs: number;
  /** Time for the responses to one prompt with all repetitions, in milliseconds. @default no limit */
  readonly deadlineMs: number;
  /** Number of calls at a time, each with one prompt. @default one call with all prompts */
  readonly concurrency: number | undefined;
}

/** Rewards of some groups, and what it took to get them. */
export interface PatientRewards {
  /** One for each response of each group; undefined where the function failed. */
  readonly rewards: readonly (readonly (RewardedResponse | undefined)[])[];
  /** Number of calls that failed, whether or not a repetition succeeded. */
  readonly failedCalls: number;
}

/** Longest wait between two calls, in milliseconds. */
const MAX_WAIT_MS = 10_000;

const STRICT: FailurePolicy = {
  onFailure: 'stop',
  retries: 0,
  backoffMs: 250,
  timeoutMs: Number.POSITIVE_INFINITY,
  deadlineMs: Number.POSITIVE_INFINITY,
  concurrency: undefined,
};

/** Groups that are asked about together, and what is known of them. */
interface Cohort {
  /** Groups without an answer, by their place. */
  readonly pending: Map<number, RewardGroup>;
  /** The newest answers; those about a pending group are about some of its responses. */
  readonly answers: Map<number, readonly (RewardedResponse | undefined)[]>;
  failedCalls: number;
  problem?: RewardProblem;
}

/**
 * Asks a reward function, again where it fails, and gives up where the policy says so. A call about several prompts that throws
 * is repeated prompt by prompt at once, so that one prompt does not take the rewards of the others, unless it ends the run. A function that does not
 * answer in time is left behind, whatever it does.
 *
 * @param name names the reward in errors
 * @throws PpoError `reward-failed` or `bad-reward` with `onFailure` `stop`; the reason of the signal
 */
export async function askPatiently(
  name: string,
  reward: RewardFunction,
  groups: readonly RewardGroup[],
  context: RewardContext,
  given: Partial<FailurePolicy> = {},
): Promise<PatientRewards> {
  const policy = { ...STRICT, ...given };
  const places = [...groups.entries()];
  const cohorts = policy.concurrency === undefined ? [places] : places.map((place) => [place]);
  const waiting = [...cohorts];
  const done: Cohort[] = [];
  const ask = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const cohort = await askCohort(reward, new Map(next), policy, context);
      if (policy.onFailure === 'stop' && cohort.pending.size > 0) {
        // Nobody waits for the others any longer.
        waiting.length = 0;
        throw failureOf(name, cohort);
      }
      done.push(cohort);
    }
  };
  await Promise.all(Array.from({ length: Math.min(policy.concurrency ?? 1, cohorts.length) }, ask));
  const answers = new Map(done.flatMap((cohort) => [...cohort.answers]));
  return {
    rewards: groups.map(({ responses }, place) => answers.get(place) ?? responses.map(() => undefined)),
    failedCalls: done.reduce((sum, cohort) => sum + cohort.failedCalls, 0),
  };
}

/** Asks about one cohort until all of its groups have rewards, the repetitions are used up, or its time is over. */
async function askCohort(
  reward: RewardFunction,
  groups: ReadonlyMap<number, RewardGroup>,
  { onFailure, retries, backoffMs, timeoutMs, deadlineMs }: FailurePolicy,
  context: RewardContext,
): Promise<Cohort> {
  const { signal } = context;
  const start = performance.now();
  const left = () => deadlineMs - (performance.now() - start);
  const cohort: Cohort = { pending: new Map(groups), answers: new Map(), failedCalls: 0 };
  for (let tries = 0; tries <= retries && left() > 0; tries++) {
    if (tries > 0) {
      // Calls that were refused together must not come back together.
      const growing = backoffMs * 2 ** (tries - 1) * (1 + Math.random());
      await wait(Math.min(MAX_WAIT_MS, growing, left()), signal);
      if (left() <= 0) break;
    }
    const call = (asked: ReadonlyMap<number, RewardGroup>) =>
      attempt(reward, cohort, asked, Math.min(timeoutMs, left()), context);
    const several = cohort.pending.size > 1;
    const threw = await call(cohort.pending);
    if (threw && several && onFailure === 'stop' && tries === retries) {
      // It ends the run, and only has to be named.
      cohort.problem =
        (await problemOfOne(reward, cohort.pending, Math.min(timeoutMs, left()), context)) ?? cohort.problem;
      break;
    }
    if (threw && several) {
      for (const [place, group] of [...cohort.pending]) {
        if (left() <= 0) break;
        await call(new Map([[place, group]]));
      }
    }
    if (cohort.pending.size === 0) break;
  }
  return cohort;
}

/** Asks about one prompt after the other, to find what is wrong with the first that fails alone. */
async function problemOfOne(
  reward: RewardFunction,
  groups: ReadonlyMap<number, RewardGroup>,
  milliseconds: number,
  context: RewardContext,
): Promise<RewardProblem | undefined> {
  for (const [place, group] of groups) {
    const asked = new Map([[place, group]]);
    const alone: Cohort = { pending: new Map(asked), answers: new Map(), failedCalls: 0 };
    await attempt(reward, alone, asked, milliseconds, context);
    if (alone.problem !== undefined) return alone.problem;
  }
  return undefined;
}

/**
 * Calls a reward function once and notes what it says.
 *
 * @returns whether the call threw or did not end in time
 */
async function attempt(
  reward: RewardFunction,
  cohort: Cohort,
  asked: ReadonlyMap<number, RewardGroup>,
  milliseconds: number,
  { signal, ...context }: RewardContext,
): Promise<boolean> {
  signal?.throwIfAborted();
  const [places, groups] = [[...asked.keys()], [...asked.values()]];
  let given: unknown;
  try {
    given = await inTime((either) => reward(groups, { ...context, signal: either }), milliseconds, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    // A mistake in the options stays one, however often it is asked.
    if (cause instanceof PpoError && cause.code === 'bad-option') throw cause;
    cohort.failedCalls++;
    const kind = cause instanceof TimeoutProblem ? 'timeout' : 'error';
    const message = cause instanceof Error ? cause.message : String(cause);
    cohort.problem = { kind, message: `failed on ${describePrompts(groups)}: ${message}`, cause };
    return true;
  }
  const { rewards, problem } = checkedRewards(given, groups);
  for (const [i, own] of rewards.entries()) {
    const place = places[i];
    if (own === undefined || place === undefined) continue;
    cohort.answers.set(place, own);
    if (own.every((each) => each !== undefined)) cohort.pending.delete(place);
  }
  if (problem !== undefined) {
    cohort.failedCalls++;
    cohort.problem = problem;
  }
  return false;
}

/** Says that a call took too long. */
class TimeoutProblem extends Error {}

/** Runs work that is told when its time is over, and leaves it behind then. */
async function inTime<T>(
  work: (signal: AbortSignal) => Promise<T> | T,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const late = new AbortController();
  // Many calls of a step wait for one signal, of which each would be a listener.
  const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  // A timer takes at most 31 bits, three weeks.
  const limit = Math.min(milliseconds, 2 ** 31 - 1);
  const timer = setTimeout(() => {
    late.abort(new TimeoutProblem(`there was no answer after ${Math.round(limit)} ms`));
  }, limit);
  try {
    const ended = new Promise<never>((_, reject) => {
      either.addEventListener('abort', () => reject(either.reason), { once: true });
    });
    return await Promise.race([Promise.resolve().then(() => work(either)), ended]);
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(name: string, { problem, pending }: Cohort): PpoError {
  const message =
    problem?.message ?? `did not answer about ${describePrompts([...pending.values()])} in time`;
  const isAnswer = problem?.kind === 'wrong-count' || problem?.kind === 'not-finite';
  return new PpoError(
    isAnswer ? 'bad-reward' : 'reward-failed',
    `the reward function ${name === '' ? '' : `${name} `}${message}`,
    isAnswer
      ? 'return one finite number for each response, in the order of the groups, or null for no reward'
      : 'correct the reward function, then resume from the last checkpoint',
    { cause: problem?.cause },
  );
}
