import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { BenchmarkResult, JudgedItem } from '../benchmark/judged-item.js';
import { subsetMeans } from '../benchmark/subset-means.js';
import { autoJScores } from '../benchmarks/auto-j.js';
import { type BenchmarkName, correctness } from '../benchmarks/benchmarks.js';
import { judgeBenchScores } from '../benchmarks/judge-bench.js';
import { llmBarScores } from '../benchmarks/llmbar.js';
import { mRewardBenchScores } from '../benchmarks/m-reward-bench.js';
import { pandaLmScores } from '../benchmarks/panda-lm.js';
import { ppeCorrectnessScores } from '../benchmarks/ppe-correctness.js';
import { ppeHumanPreference } from '../benchmarks/ppe-human-preference.js';
import { rewardBenchScores } from '../benchmarks/reward-bench.js';
import { rewardBench2Scores } from '../benchmarks/reward-bench-2.js';
import { rewardMathScores } from '../benchmarks/reward-math.js';
import { rmBenchScores } from '../benchmarks/rm-bench.js';
import { rmbScores } from '../benchmarks/rmb.js';
import { calibration } from '../evaluation/calibration.js';
import { mcNemar } from '../evaluation/compare-results.js';
import { lengthControlled } from '../evaluation/lengths.js';
import { orderEffect } from '../evaluation/order-effect.js';

/** Made by `tools/make-benchmark-fixtures.py`, which knows the definitions and not this package. */
const fixture = JSON.parse(readFileSync(new URL('__fixtures__/benchmarks.json', import.meta.url), 'utf8'));
const { expected } = fixture;

function results(name: BenchmarkName, key: string): BenchmarkResult[] {
  const items = fixture.results[key] as (JudgedItem & Omit<BenchmarkResult, 'correct'>)[];
  return items.map((item) => ({ ...item, correct: correctness(name, item) }));
}

/** Equal to 12 digits everywhere, with the same keys. */
function agree(found: unknown, wanted: unknown, path = ''): void {
  if (typeof wanted === 'number') {
    expect(typeof found, path).toBe('number');
    expect(Math.abs((found as number) - wanted), `${path}: ${found} and ${wanted}`).toBeLessThanOrEqual(
      1e-12,
    );
    return;
  }
  expect(Object.keys(found as object).sort(), path).toEqual(Object.keys(wanted as object).sort());
  for (const [key, value] of Object.entries(wanted as object)) {
    agree((found as Record<string, unknown>)[key], value, `${path}/${key}`);
  }
}

it('RewardBench, with the official weights and with pooled records', () => {
  const scores = rewardBenchScores(results('reward-bench', 'rewardBench'));
  const version = (name: 'official' | 'pooled') =>
    Object.fromEntries(scores.slice(0, -1).map((score) => [score.section, score[name]]));
  const overall = scores.at(-1)!;
  const { official, authors, officialOverall, authorsOverall } = expected.rewardBench;
  agree(version('official'), official);
  agree(version('pooled'), authors);
  agree([overall.official, overall.pooled], [officialOverall, authorsOverall]);
  // The two differ, or this test would not tell them apart.
  expect(Math.abs(official.Reasoning - authors.Reasoning)).toBeGreaterThan(0.001);
});

it('RewardBench 2, best of four and ties', () => {
  const { subsets, ties, overall } = rewardBench2Scores(results('reward-bench-2', 'rewardBench2'));
  agree(
    { subsets: Object.fromEntries(subsets.map(({ subset, score }) => [subset, score])), ties, overall },
    expected.rewardBench2,
  );
});

it('RewardBench 2, ties of a model that gives rewards, as from these rewards themselves', () => {
  agree(rewardBench2Scores(results('reward-bench-2', 'scalarRewards')).ties, expected.scalarTies);
});

it('RM-Bench, matrices and levels', () => {
  const { domains, overall, overallSafetyAveraged, hard, normal, easy } = rmBenchScores(
    results('rm-bench', 'rmBench'),
  );
  const { safetyAveraged, ...wanted } = expected.rmBench;
  const byDomain = Object.fromEntries(domains.map(({ domain, ...scores }) => [domain, scores]));
  agree({ domains: byDomain, overall, overallSafetyAveraged, hard, normal, easy }, wanted);
  expect(safetyAveraged).not.toBeCloseTo(byDomain.safety!.accuracy, 6);
});

it('JudgeBench by each rule', () => {
  agree(judgeBenchScores(results('judge-bench', 'judgeBench')), expected.judgeBench);
  const { single, both, strict, mean } = expected.judgeBench;
  // The rules differ on these scores, or this test would not tell them apart.
  expect(new Set([single, both, strict, mean].map(({ itemMean }) => itemMean)).size).toBe(4);
});

it('RMB, pairs and best-of-n', () => {
  agree(rmbScores(results('rmb', 'rmb')), expected.rmb);
});

it('PandaLM', () => {
  agree(pandaLmScores(results('pandalm', 'pandaLm')), expected.pandaLm);
});

it('PPE, all pairs and the groups of prompts, which overlap', () => {
  const { rows } = ppeHumanPreference.table(results('ppe-human-preference', 'ppe'));
  agree(Object.fromEntries(rows.map(({ name, values }) => [name, values[0]])), expected.ppe);
  // The groups differ, or this test would not tell them apart.
  expect(new Set(Object.values(expected.ppe)).size).toBe(6);
});

/** Without the entries that are null, for which the data lack what they need. */
const known = (scores: object) =>
  Object.fromEntries(Object.entries(scores).filter(([, value]) => value !== null));

it('PPE, correctness of each set', () => {
  agree(known(ppeCorrectnessScores(results('ppe-correctness', 'ppeCorrectness'))), expected.ppeCorrectness);
});

it('M-RewardBench, sections of each language', () => {
  const scores = mRewardBenchScores(results('m-reward-bench', 'mRewardBench'));
  const found = scores.map(({ language, sections }) => [language, known(sections)]);
  agree(Object.fromEntries(found), expected.mRewardBench);
});

it('RewardMATH', () => {
  agree(rewardMathScores(results('reward-math', 'rewardMath')), expected.rewardMath);
  expect(expected.rewardMath.accuracy).toBeGreaterThan(0.1);
  expect(expected.rewardMath.accuracy).toBeLessThan(expected.rewardMath.meanReciprocalRank);
});

it('Auto-J, each group', () => {
  const scores = autoJScores(results('auto-j', 'autoJ')).filter(({ agreement }) => agreement !== null);
  agree(Object.fromEntries(scores.map(({ group, ...rest }) => [group, rest])), expected.autoJ);
});

it('LLMBar, and both ways to average', () => {
  const items = results('llmbar', 'llmBar');
  const [natural, adversarial, all] = llmBarScores(items).map(({ orders, mean }) => ({ orders, mean }));
  const means = subsetMeans(items);
  agree({ natural, adversarial, all, pooled: means.items }, expected.llmBar);
  agree(means.subsets, expected.llmBar.all.mean);
});

it('calibration, length and order', () => {
  const rewardBench = results('reward-bench', 'rewardBench');
  const judgeBench = results('judge-bench', 'judgeBench');
  agree(
    { 10: calibration(rewardBench, 10)?.error, 15: calibration(rewardBench, 15)?.error },
    expected.calibration,
  );
  const { shorter, longer, matched, balanced } = lengthControlled(judgeBench);
  agree(
    { shorter: shorter.accuracy, longer: longer.accuracy, matched: matched.accuracy, balanced },
    expected.length,
  );
  agree(orderEffect(judgeBench.flatMap(({ comparisons }) => comparisons)), expected.order);
});

it('the exact McNemar test', () => {
  for (const [first, second, p] of expected.mcnemar as [number, number, number][]) {
    expect(Math.abs(mcNemar(first, second) / p - 1), `${first} and ${second}`).toBeLessThanOrEqual(1e-12);
  }
});
