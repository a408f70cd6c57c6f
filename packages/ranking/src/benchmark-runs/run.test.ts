import { describe, expect, it } from 'vitest';
import type { BenchmarkItem } from '../benchmark/item.js';
import type { BenchmarkResult } from '../benchmark/judged-item.js';
import { longest } from './__fixtures__/longest.js';
import { resumePoint, runBenchmark } from './run.js';
import { summarizeBenchmark } from './summary.js';

function items(count: number, pairs: BenchmarkItem['pairs'] = [[0, 1]]): BenchmarkItem[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `${at}`,
    subset: at % 2 === 0 ? 'even' : 'odd',
    prompt: 'p',
    responses: ['x'.repeat(10 + (at % 7)), 'y'.repeat(12), 'z'],
    pairs,
    preferred: at % 3 === 0 ? 'second' : 'first',
  }));
}

describe('runBenchmark', () => {
  const benchmark = { name: 'llmbar' as const, items: items(300) };

  it('gives results in order, in groups, with progress in comparisons', async () => {
    const [calls, groups, progress]: [number[], number[], string[]] = [[], [], []];
    const results = await runBenchmark(longest(calls), benchmark, {
      onResults: (part) => void groups.push(part.length),
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    expect(results.map(({ id }) => id)).toEqual(benchmark.items.map(({ id }) => id));
    expect([calls, groups]).toEqual([
      [128, 128, 44],
      [128, 128, 44],
    ]);
    expect(progress).toEqual(['128/300', '256/300', '300/300']);
    expect(results[0]).toMatchObject({
      subset: 'even',
      preferred: 'second',
      correct: 1,
      lengths: [10, 12, 1],
    });
    expect(results[1]).toMatchObject({ subset: 'odd', preferred: 'first', correct: 0 });
  });

  it('goes on in the same groups, so that the same batches are judged', async () => {
    const whole = await runBenchmark(longest(), benchmark);
    expect([0, 127, 128, 255, 299, 300].map((done) => resumePoint(benchmark.items, done))).toEqual([
      0, 0, 128, 128, 256, 300,
    ]);
    const calls: number[] = [];
    const resumed = await runBenchmark(longest(calls), benchmark, { done: whole.slice(0, 128) });
    expect(calls).toEqual([128, 44]);
    expect(resumed).toEqual(whole);
    expect(await runBenchmark(longest(calls), benchmark, { done: whole })).toEqual(whole);
    expect(calls).toHaveLength(2);
  });

  it('refuses results that do not belong to it, and no items', async () => {
    const whole = await runBenchmark(longest(), benchmark);
    const run = (done: BenchmarkResult[]) => runBenchmark(longest(), benchmark, { done });
    await expect(run(whole.slice(0, 100))).rejects.toThrow('cannot continue after 100 results');
    await expect(run(whole.slice(1, 129))).rejects.toThrow('result 1 is of item "1" and not of "0"');
    await expect(runBenchmark(longest(), { name: 'hhh', items: [] })).rejects.toMatchObject({
      code: 'no-pairs',
    });
  });

  it('ends between groups when it is aborted', async () => {
    const controller = new AbortController();
    const groups: number[] = [];
    const run = runBenchmark(longest(), benchmark, {
      signal: controller.signal,
      onResults(part) {
        groups.push(part.length);
        controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(groups).toEqual([128]);
  });

  it('asks for a list right only where the best beats every other', async () => {
    const list = items(2, [
      [0, 1],
      [0, 2],
    ]).map((item) => ({ ...item, preferred: 'first' as const }));
    const [shorter] = await runBenchmark(longest(), { name: 'rmb', items: list });
    expect(shorter!.comparisons.map(({ probability }) => probability > 0.5)).toEqual([false, true]);
    expect(shorter!.correct).toBe(0);
    const [half] = await runBenchmark(longest(), { name: 'rm-bench', items: list });
    expect(half!.correct).toBe(0.5);
  });
});

describe('summarizeBenchmark', () => {
  it('depends on results and seed alone, and has every subset whatever its name', async () => {
    const strange = items(40).map((item, at) => (at === 0 ? { ...item, subset: '__proto__' } : item));
    const results = await runBenchmark(longest(), { name: 'hhh', items: strange });
    const summary = summarizeBenchmark('hhh', results, { seed: 3 });
    expect(JSON.stringify(summarizeBenchmark('hhh', JSON.parse(JSON.stringify(results)), { seed: 3 }))).toBe(
      JSON.stringify(summary),
    );
    expect(Object.keys(summary.subsets)).toEqual(['__proto__', 'odd', 'even']);
    expect(summary.score).toBe(results.filter(({ correct }) => correct === 1).length / 40);
    expect(summary.interval[0]).toBeLessThanOrEqual(summary.score);
    expect(summary.scores.rows[0]).toEqual({ name: 'All items', values: [summary.score] });
    expect(() => summarizeBenchmark('hhh', [])).toThrow('no results');
  });

  it('sees a judge that likes length through the length groups', async () => {
    const results = await runBenchmark(longest(), { name: 'mt-bench', items: items(120) });
    const { lengths, order } = summarizeBenchmark('mt-bench', results);
    expect([lengths.shorter.accuracy, lengths.longer.accuracy, lengths.balanced]).toEqual([0, 1, 0.5]);
    expect(order.bias).toBeCloseTo(0.04, 12);
  });
});
