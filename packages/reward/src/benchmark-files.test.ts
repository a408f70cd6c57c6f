import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BenchmarkName,
  benchmarkNames,
  readBenchmark,
  rewardModelFromFunction,
  runBenchmark,
  sigmoid,
  summarizeBenchmark,
} from '@gram/ranking';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyConfig, tinyEncoder, tinyWeights } from './__fixtures__/tiny-model.js';
import { createGenerativeRewardModel } from './judging/generative.js';

/** Prefers the longer response, the more so the more they differ. */
const longest = rewardModelFromFunction((items) =>
  items.map(({ a, b }) => sigmoid((a.length - b.length) / 10)),
);

const real = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
const places: Partial<Record<BenchmarkName, string>> = {
  'rm-bench': 'rm-bench',
  'judge-bench': 'judgebench/format-sample.jsonl',
  llmbar: 'llmbar',
  hhh: 'hhh-alignment',
  rmb: 'rmb',
  pandalm: 'pandalm',
  'mt-bench': 'llmbar',
};

describe('the real files', () => {
  const config = tinyConfig('LlamaForCausalLM');
  const model = tinyEncoder(200, 'truncate').then((encoder) =>
    createGenerativeRewardModel({ config, weights: tinyWeights(config), encoder }),
  );
  afterAll(async () => (await model).dispose());

  it.for(benchmarkNames)('%s', async (name, { skip }) => {
    const place = places[name];
    if (place === undefined || !existsSync(real)) return skip();
    const benchmark = await readBenchmark(join(real, place), name);
    // A few of each subset by a random model; all of them by length.
    const seen = new Map<string, number>();
    const few = benchmark.items.filter(({ subset }) => {
      seen.set(subset, (seen.get(subset) ?? 0) + 1);
      return seen.get(subset)! <= 1;
    });
    const judged = await runBenchmark(await model, { name, items: few.slice(0, 12) });
    for (const { comparisons } of judged) {
      for (const { probability, orders } of comparisons) {
        expect(probability).toBeCloseTo((orders![0] + orders![1]) / 2, 12);
      }
    }
    const results = await runBenchmark(longest, benchmark);
    const summary = summarizeBenchmark(name, results);
    expect(summary.items).toBe(benchmark.items.length);
    const values = summary.scores.rows.flatMap((row) => row.values).filter((value) => value !== null);
    for (const value of values) expect(value >= 0 && value <= 1).toBe(true);
    expect(values.length).toBeGreaterThan(0);
  });
});
