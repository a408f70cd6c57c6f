import { createRandom } from '@gram/base';
import { describe, expect, it } from 'vitest';
import type { BenchmarkResult, JudgedItem } from '../benchmark/judged-item.js';
import { correctness } from '../benchmarks/benchmarks.js';
import { predictedClass } from '../benchmarks/panda-lm.js';
import { rewardBenchScores } from '../benchmarks/reward-bench.js';
import { tiesScore, topOfScores } from '../benchmarks/reward-bench-2.js';
import { rmBenchScores } from '../benchmarks/rm-bench.js';
import { calibration } from '../evaluation/calibration.js';
import { compareResults, mcNemar } from '../evaluation/compare-results.js';
import { lengthControlled } from '../evaluation/lengths.js';
import { orderEffect } from '../evaluation/order-effect.js';

function result(
  probability: number,
  { subset = 's', preferred = 'first' as JudgedItem['preferred'], lengths = [10, 20], id = 'i' } = {},
): BenchmarkResult {
  const comparisons = [{ pair: [0, 1] as const, probability, consistent: true }];
  const judged = { subset, preferred, lengths, comparisons };
  return { id, ...judged, correct: correctness('llmbar', judged), truncated: false, neutralized: false };
}

describe('calibration', () => {
  it('puts the ends into the outer bins and takes the side that is preferred', () => {
    const { bins, error } = calibration([result(0.5), result(1), result(0), result(0.55), result(0.551)])!;
    expect(bins.map(({ range, pairs, accuracy }) => [range[0], pairs, accuracy])).toEqual([
      [0.5, 2, 0.5],
      [0.55, 1, 1],
      [0.95, 2, 0.5],
    ]);
    expect(error).toBeCloseTo((2 * (0.525 - 0.5) + (1 - 0.551) + 2 * 0.5) / 5, 12);
  });

  it('is 0 for a judge that is as right as it says, and null without labels', () => {
    const right = Array.from({ length: 10 }, (_, at) =>
      result(0.8, { preferred: at < 8 ? 'first' : 'second' }),
    );
    expect(calibration(right, 15)!.error).toBeCloseTo(0, 12);
    expect(calibration([result(0.8, { preferred: 'tie' })])).toBeNull();
    expect(() => calibration(right, 0)).toThrow('0 bins');
  });
});

it('lengths count as matched up to a tenth of the longer one', () => {
  const { shorter, longer, matched, balanced } = lengthControlled([
    result(0.9, { lengths: [90, 100] }),
    result(0.9, { lengths: [89, 100] }),
    result(0.9, { lengths: [100, 89], preferred: 'second' }),
    result(0.9, { lengths: [0, 0] }),
  ]);
  expect([matched.pairs, shorter, longer]).toEqual([
    2,
    { accuracy: 0.5, pairs: 2 },
    { accuracy: null, pairs: 0 },
  ]);
  expect(balanced).toBeNull();
});

it('only what was judged in both orders tells of their effect', () => {
  const none = { inBothOrders: 0, consistency: null, bias: null, absoluteBias: null };
  expect(orderEffect(result(0.9).comparisons)).toEqual(none);
  const pair = { pair: [0, 1] as const, probability: 0.5, orders: [0.75, 0.25] as const, consistent: false };
  const effect = { inBothOrders: 1, consistency: 0, bias: 0.5, absoluteBias: 0.5 };
  expect(orderEffect([...result(0.9).comparisons, pair])).toEqual(effect);
});

it('PandaLM takes a conflict of the orders for a tie, whatever their mean', () => {
  const pair = { pair: [0, 1] as const, probability: 0.7, consistent: false };
  expect(predictedClass({ ...pair, orders: [0.95, 0.45] })).toBe('tie');
  expect(predictedClass({ ...pair, orders: [0.9, 0.5] })).toBe('tie');
  expect(predictedClass({ ...pair, orders: [0.8, 0.6] })).toBe('first');
  expect(predictedClass(pair)).toBe('first');
});

describe('partial data', () => {
  it('RewardBench leaves sections and subsets without records out of the means', () => {
    const some = [
      result(0.9, { subset: 'math-prm' }),
      result(0.1, { subset: 'hep-go' }),
      result(0.9, { subset: 'odd' }),
    ];
    const scores = rewardBenchScores(some);
    expect(scores.find(({ section }) => section === 'Chat')).toEqual({
      section: 'Chat',
      official: null,
      pooled: null,
    });
    const overall = scores.at(-1)!;
    expect(overall.official).toBeCloseTo(984 / (984 + 164), 12);
    expect(overall.pooled).toBe(0.5);
  });

  it('RM-Bench and ties without items say so', () => {
    expect(rmBenchScores([])).toMatchObject({ domains: [], overall: null });
    expect(tiesScore([])).toBeNull();
  });
});

it('a shared top counts as its part, and scores without spread have a margin at the limit', () => {
  expect(topOfScores([0.7, 0.7, 0.1, 0.1], 1).credit).toBe(0.5);
  expect(topOfScores([0.6, 0.7, 0.1, 0.1], 1).credit).toBe(0);
  const list = (id: string, correctResponses: number, probability: number): BenchmarkResult => ({
    ...result(probability, { id, subset: 'Ties' }),
    correctResponses,
  });
  expect(tiesScore([list('Ties/ref:1', 1, 0.9), list('Ties/tied:1', 1, 0.8)])).toEqual({
    refAccuracy: 1,
    tiedAccuracy: 1,
    preferred: 1,
    preferredHard: 1,
    margin: 1,
    overall: 1.01,
  });
});

describe('two models', () => {
  const items = (...correct: number[]) => correct.map((value, at) => ({ id: `${at}`, correct: value }));

  it('are compared item by item', () => {
    const found = compareResults(items(1, 1, 1, 0.5), items(0, 1, 0, 1), createRandom(1));
    expect(found).toMatchObject({ items: 4, scores: [0.875, 0.5], onlyFirst: 2, onlySecond: 1, pValue: 1 });
    expect(found.difference).toBeCloseTo(0.375, 12);
    expect(found.interval[0]).toBeLessThan(found.difference);
  });

  it('must have the same items', () => {
    const random = createRandom(1);
    expect(() => compareResults(items(1), items(1, 0), random)).toThrow('2 results to compare with 1');
    expect(() => compareResults([], [], random)).toThrow('no results');
    expect(() => compareResults(items(1), [{ id: 'x', correct: 1 }], random)).toThrow(
      'result 1 is of item "0" and of item "x"',
    );
    expect(() => mcNemar(-1, 2)).toThrow('whole numbers');
  });
});
