import { type Answer, conversationKey, type Random } from '@gram/base';
import { DataError } from '../error.js';
import type { PreferencePair, ResponseList, ResponsePair } from '../records.js';

/** Rule by which ranked responses become pairs: every two of them, the best with each other one, or each with the next worse one. */
export type Pairing = 'all' | 'best' | 'adjacent';

/** The names of the rules by which ranked responses become pairs. */
export const pairings: readonly Pairing[] = ['all', 'best', 'adjacent'];

/**
 * Makes judged pairs of ranked responses, from the best to the worst. Responses of equal reward, and equal ones, make no pair; of
 * equal rewards the first in the file stands for `best` and `adjacent`.
 *
 * @param margins whether the difference of the rewards is the margin
 */
export function pairsOfRanking(
  { responses, rewards, ...shared }: ResponseList & { readonly rewards: readonly number[] },
  pairing: Pairing,
  margins: boolean,
): PreferencePair[] {
  const ranked = responses
    .map((response, at) => ({ response, reward: rewards[at] ?? Number.NaN }))
    .toSorted((a, b) => b.reward - a.reward);
  // One response for each reward, as the next worse one has a lower reward.
  const steps = ranked.filter(({ reward }, at) => reward !== ranked[at - 1]?.reward);
  const candidates =
    pairing === 'all'
      ? ranked.flatMap((better, at) => ranked.slice(at + 1).map((worse) => [better, worse] as const))
      : pairing === 'best'
        ? ranked.slice(1).map((worse) => [ranked[0] ?? worse, worse] as const)
        : steps.slice(1).map((worse, at) => [steps[at] ?? worse, worse] as const);
  return candidates
    .filter(
      ([better, worse]) =>
        better.reward > worse.reward && conversationKey(better.response) !== conversationKey(worse.response),
    )
    .map(([better, worse], at, { length }) => ({
      ...shared,
      id: length === 1 ? shared.id : `${shared.id}/${at + 1}`,
      chosen: better.response,
      rejected: worse.response,
      ...(margins && { margin: better.reward - worse.reward }),
    }));
}

/**
 * Draws pairs of different responses, all equally likely and in random order; their ids end in `/1`, `/2` and so on.
 *
 * @param count largest number of pairs
 */
export function drawPairs(
  { responses, rewards: _, ...shared }: ResponseList,
  count: number,
  random: Random,
): ResponsePair[] {
  const different = [...new Map(responses.map((response) => [conversationKey(response), response])).values()];
  const pairs = different.flatMap((first, at) =>
    different.slice(at + 1).map((second) => [first, second] as const),
  );
  return random
    .shuffle(pairs)
    .slice(0, count)
    .map((pair, at) => ({ ...shared, id: `${shared.id}/${at + 1}`, responses: shufflePair(random, pair) }));
}

/** Puts two responses in random order. */
export function shufflePair(random: Random, [first, second]: readonly [Answer, Answer]): [Answer, Answer] {
  return random.integer(2) === 1 ? [first, second] : [second, first];
}

/** @throws {DataError} `bad-option` */
export function checkPairing(pairing: string): void {
  if (pairings.some((name) => name === pairing)) return;
  throw new DataError(
    'bad-option',
    `there is no pairing ${JSON.stringify(pairing)}`,
    `use ${pairings.join(', ')}`,
  );
}
