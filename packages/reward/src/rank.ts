import { RewardError } from './error.js';
import type { Strategy } from './ranking/plan.js';
import {
  type Judge,
  type RankItem,
  type Ranking,
  type RankOptions,
  type RankStrategy,
  rankStrategies,
} from './ranking/ranking.js';
import { runPlans } from './ranking/run-plans.js';
import { strategies } from './ranking/strategies.js';
import type { Comparator, RunOptions } from './reward-model.js';

/**
 * Ranks the responses of several prompts, each list by itself. All lists advance together: what a round of all of them needs
 * is one call of the model.
 *
 * Preferences of a model need not be transitive, so strategies may disagree; what each finds and costs is said at `roundRobin`,
 * `linearScan`, `knockout`, `mergeSort` and `swiss`. Equal input gives an equal result, and ties go to the earlier response.
 *
 * `onProgress` counts comparisons of all lists. The total is what the strategies need at most; where they turn out to need
 * fewer, the last call has a total of those made.
 *
 * @returns for each item its ranking
 * @throws RewardError `too-few-responses` for an item with fewer than two; `bad-option` for a strategy that does not exist;
 * `bad-values` for a comparator that does not give a probability for each pair; whatever `compare` throws; the signal's reason
 */
export function rankAll(
  model: Judge,
  items: readonly RankItem[],
  { strategy = 'auto', purpose = 'order', ...options }: RankOptions = {},
): Promise<Ranking[]> {
  const strategyFor = (n: number): Strategy => {
    const name = strategy === 'auto' ? choose(n, purpose, model) : strategy;
    if (Object.hasOwn(strategies, name)) return strategies[name];
    const names = ['auto', ...rankStrategies].join(', ');
    throw new RewardError('bad-option', `there is no strategy "${name}"`, `Use one of ${names}.`);
  };
  return runPlans(model, items, strategyFor, options);
}

/** Ranks the responses to one prompt, see `rankAll`. */
export async function rank(
  model: Judge,
  prompt: string,
  responses: readonly string[],
  options?: RankOptions,
): Promise<Ranking> {
  const [ranking] = await rankAll(model, [{ prompt, responses }], options);
  return ranking!;
}

/**
 * The most responses of which `auto` compares all pairs. With docs/ranking-study.md: up to 16 that is at most twice what a Swiss
 * tournament needs, in one call, and always the best order; beyond, a tournament has most of the gain. To find the best alone,
 * comparisons are better spent on more responses by `knockout` than on the pairs of fewer.
 */
const MOST_IN_PAIRS = { order: 16, best: 4 };

function choose(n: number, purpose: 'order' | 'best', { kind }: Judge): RankStrategy {
  // It evaluates each response of a call once, so one round is the cheapest, and its preferences are without contradictions.
  if (kind === 'discriminative') return 'round-robin';
  if (n <= MOST_IN_PAIRS[purpose]) return 'round-robin';
  return purpose === 'order' ? 'swiss' : 'knockout';
}

/** The probability that a response is preferred to a reference, see `RewardModel.score`. */
export async function score(
  model: Comparator,
  prompt: string,
  response: string,
  reference: string,
  options?: RunOptions,
): Promise<number> {
  const [result] = await model.compare([{ prompt, a: response, b: reference }], options);
  return result!.probability;
}
