import { type Answer, type Prompt, quote } from '@gram/base';
import { checkText, checkTexts } from '../comparator/check-texts.js';
import type { Comparator, Judge, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import type { RankCost, RankItem, Ranking, RankOptions, RankStrategy, StrategyChoice } from './ranking.js';
import { rankStrategies } from './ranking.js';
import { runPlans } from './run-plans.js';
import { strategies } from './strategies.js';

/**
 * Ranks the responses of several prompts, each list by itself. All lists advance together: what a round of all of them needs
 * is one call of the model.
 *
 * Preferences of a model need not be transitive, so strategies may disagree; `roundRobin`, `linearScan`, `knockout`,
 * `mergeSort` and `swiss` say what each finds and costs. Equal input gives an equal result, and ties go to the earlier
 * response.
 *
 * `onProgress` counts comparisons of all lists. The total is what the strategies need at most; where they turn out to need
 * fewer, the last call has a total of those made.
 *
 * @returns for each item its ranking
 * @throws RewardError `too-few-responses` for an item with fewer than two; `bad-option` for an unknown strategy; `bad-values`
 * for texts that are none, and for a comparator that does not give a probability for each pair; whatever `compare` throws; the reason of the signal
 */
export async function rankAll(
  model: Judge,
  items: readonly RankItem[],
  { strategy, purpose, ...options }: RankOptions = {},
): Promise<Ranking[]> {
  checkLists(items);
  return runPlans(model, items, (n) => strategies[chooseStrategy(model, n, { strategy, purpose })], options);
}

function checkLists(items: readonly RankItem[]): void {
  checkTexts(items, ['prompt']);
  for (const [index, { responses }] of items.entries()) {
    if (!Array.isArray(responses)) {
      const problem = `responses of item ${index} are ${quote(responses)} and not a list`;
      throw new RewardError('bad-values', problem, 'give a list of texts');
    }
    for (const [at, response] of responses.entries()) checkText(response, `response ${at} of item ${index}`);
  }
}

/**
 * Ranks the responses to one prompt, see `rankAll`.
 *
 * @example
 * const shorter = rewardModelFromFunction((pairs) => pairs.map(({ a, b }) => (a.length < b.length ? 0.7 : 0.3)));
 * const { order, scores } = await rank(shorter, 'Name a prime.', ['seven', '4', 'nine']);
 */
export async function rank(
  model: Judge,
  prompt: Prompt,
  responses: readonly Answer[],
  options?: RankOptions,
): Promise<Ranking> {
  const [ranking] = await rankAll(model, [{ prompt, responses }], options);
  if (ranking === undefined) throw new RangeError('one list has no ranking');
  return ranking;
}

/**
 * Returns the most comparisons and rounds that ranking n responses needs.
 *
 * @throws RewardError `bad-option` for an unknown strategy
 */
export function rankCost(model: Judge, n: number, choice: StrategyChoice = {}): RankCost {
  return strategies[chooseStrategy(model, n, choice)].cost(n);
}

/**
 * The most responses of which `auto` compares all pairs. With docs/ranking-study.md: up to 16 that is at most twice what a Swiss
 * tournament needs, in one call, and always the best order; beyond, a tournament has most of the gain. To find the best alone,
 * comparisons are better spent on more responses by `knockout` than on the pairs of fewer.
 */
const ALL_PAIRS_LIMIT = { order: 16, best: 4 };

/** Chooses the strategy for n responses. @throws RewardError `bad-option` for an unknown one */
export function chooseStrategy(
  { kind }: Judge,
  n: number,
  { strategy = 'auto', purpose = 'order' }: StrategyChoice,
): RankStrategy {
  if (strategy !== 'auto') {
    if (rankStrategies.includes(strategy)) return strategy;
    const names = ['auto', ...rankStrategies].join(', ');
    const message = `there is no strategy ${JSON.stringify(strategy)}`;
    throw new RewardError('bad-option', message, `use one of ${names}`);
  }
  // It evaluates each response of a call once, so one round is the cheapest, and its preferences are without contradictions.
  if (kind === 'discriminative') return 'round-robin';
  if (n <= ALL_PAIRS_LIMIT[purpose]) return 'round-robin';
  return purpose === 'order' ? 'swiss' : 'knockout';
}

/** Returns the probability that a response is preferred to a reference, see `RewardModel.score`. */
export async function score(
  model: Comparator,
  prompt: Prompt,
  { response, reference }: { readonly response: Answer; readonly reference: Answer },
  options?: RunOptions,
): Promise<number> {
  const item = { prompt, a: response, b: reference };
  checkTexts([item], ['prompt', 'a', 'b']);
  const [result] = await model.compare([item], options);
  if (result !== undefined) return result.probability;
  throw new RewardError('bad-values', 'compare gave no result for a pair', 'return one result for each item');
}
