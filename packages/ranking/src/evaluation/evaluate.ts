import { bootstrapInterval, createRandom, type Interval, mean } from '@gram/base';
import type { PreferencePair } from '@gram/data';
import { groupBy } from '../benchmark/score-table.js';
import type { Comparator, Comparison, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import { type OrderEffect, orderEffect } from './order-effect.js';

/** Pairs that are compared in one call; their results are handed out together. */
const PAIRS_PER_CALL = 512;

/** The result of one pair, fit to be a line of a JSON Lines file. */
export interface EvaluatedPair {
  readonly id: string;
  readonly family?: string;
  readonly score_chosen: number;
  readonly score_rejected: number;
  /** Whether the chosen response has the strictly higher score: a tie is wrong. */
  readonly correct: boolean;
  /** Probability of the chosen response when it is shown first, and second. */
  readonly orders?: readonly [number, number];
  readonly consistent: boolean;
  readonly truncated: boolean;
  readonly neutralized: boolean;
}

/** Accuracy on a group of pairs. */
export interface Accuracy {
  readonly accuracy: number;
  /** See `bootstrapInterval`. */
  readonly interval: Interval;
  /** Number of pairs. */
  readonly pairs: number;
}

/** The result of `evaluatePairs`. */
export interface Evaluation extends Accuracy {
  /** Dependence of verdicts on the order of the responses. */
  readonly order: OrderEffect;
  /** Number of pairs whose text was cut. */
  readonly truncated: number;
  /** Number of pairs whose texts held marks of the prompt, which were escaped. */
  readonly neutralized: number;
  /** Time taken, compilation included. */
  readonly seconds: number;
  readonly pairsPerSecond: number;
  /** Accuracy of each family; pairs without a family are left out. */
  readonly byFamily: Readonly<Record<string, Accuracy>>;
  /** Results of the pairs, in their order. */
  readonly items: readonly EvaluatedPair[];
}

/** Options of `evaluatePairs`. */
export interface EvaluateOptions extends RunOptions {
  /** Seed of the bootstrap. @default 0 */
  readonly seed?: number;
  /** Receives each result, in order, in groups of some hundred. */
  readonly onItem?: (item: EvaluatedPair) => void;
}

/**
 * Measures how often a model prefers the chosen response of a pair.
 *
 * @example
 * const pairs = [{ id: '1', prompt: 'Name a prime.', chosen: '7', rejected: '9' }];
 * const { accuracy, interval } = await evaluatePairs(model, pairs);
 *
 * @throws RewardError `no-pairs`, `bad-values` where `compare` gives too few results; whatever `compare` throws
 */
export async function evaluatePairs(
  model: Comparator,
  pairs: readonly PreferencePair[],
  { seed = 0, signal, onProgress, onItem }: EvaluateOptions = {},
): Promise<Evaluation> {
  if (pairs.length === 0) {
    throw new RewardError('no-pairs', 'there are no pairs to evaluate', 'give at least one pair');
  }
  const started = performance.now();
  const items: EvaluatedPair[] = [];
  for (let start = 0; start < pairs.length; start += PAIRS_PER_CALL) {
    const part = pairs.slice(start, start + PAIRS_PER_CALL);
    const results = await model.compare(
      part.map(({ id, prompt, tools, chosen, rejected }) => ({
        id,
        prompt,
        tools,
        a: chosen,
        b: rejected,
      })),
      { signal, onProgress: (done) => onProgress?.(start + done, pairs.length) },
    );
    const evaluated = part.map((pair, index) => evaluatedPair(pair, results[index]));
    items.push(...evaluated);
    for (const item of evaluated) onItem?.(item);
  }
  const seconds = (performance.now() - started) / 1000;
  return {
    ...accuracyOf(items, seed),
    order: orderEffect(items),
    truncated: items.filter(({ truncated }) => truncated).length,
    neutralized: items.filter(({ neutralized }) => neutralized).length,
    seconds,
    pairsPerSecond: pairs.length / seconds,
    byFamily: byFamily(items, seed),
    items,
  };
}

function evaluatedPair({ id, family }: PreferencePair, comparison: Comparison | undefined): EvaluatedPair {
  if (comparison === undefined) {
    const hint = 'return one result for each item';
    throw new RewardError('bad-values', `compare gave no result for pair ${JSON.stringify(id)}`, hint);
  }
  const { probability, orders, consistent, truncated, neutralized } = comparison;
  return {
    id,
    ...(family !== undefined && { family }),
    score_chosen: probability,
    score_rejected: 1 - probability,
    correct: probability > 1 - probability,
    ...(orders !== undefined && { orders }),
    consistent,
    truncated,
    neutralized,
  };
}

function byFamily(items: readonly EvaluatedPair[], seed: number): Record<string, Accuracy> {
  const named = items.flatMap((item) => (item.family === undefined ? [] : [{ item, family: item.family }]));
  const groups = groupBy(named, ({ family }) => family);
  // A stream for each family: its interval does not depend on the other families.
  return Object.fromEntries(
    [...groups].map(([family, group]) => {
      const pairs = group.map(({ item }) => item);
      return [family, accuracyOf(pairs, seed, family)] as const;
    }),
  );
}

function accuracyOf(items: readonly EvaluatedPair[], seed: number, ...stream: string[]): Accuracy {
  const correct = items.map((item) => Number(item.correct));
  const random = createRandom(seed, 'bootstrap', ...stream);
  return { accuracy: mean(correct), interval: bootstrapInterval(correct, random), pairs: items.length };
}
