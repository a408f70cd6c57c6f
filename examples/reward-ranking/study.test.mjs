import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mean } from '@gram/base';
import { runGrid } from '@gram-examples/common/grid/run-grid';
import { armsOf } from '@gram-examples/common/judges';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tiny } from './recipes/tiny.mjs';
import { accuracyTable, primarySentence, reportPage, unlabeledSentence } from './report.mjs';
import { planOf, SPLITS } from './study.mjs';
import { summarize, toJson } from './summary.mjs';

const module = new URL('../common/stages.mjs', import.meta.url).href;
const directory = mkdtempSync(join(tmpdir(), 'gram-reward-ranking-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('the study of reward ranking', () => {
  const plan = planOf(tiny);
  let resultOf;
  beforeAll(async () => {
    ({ resultOf } = await runGrid({ module, targets: plan.targets, directory, label: 'test' }));
  }, 600_000);

  it('shares what arms have in common, and nothing else', () => {
    const idsOf = (kind) =>
      new Set(plan.cells.map(({ judge }) => judge).flatMap((judge) => chain(judge, kind)));
    expect(plan.cells).toHaveLength(2 * armsOf(tiny).length * 2 + 2);
    expect(idsOf('tokenizer').size).toBe(1);
    expect(idsOf('base').size).toBe(1);
    expect(idsOf('stage1').size).toBe(3);
    expect(idsOf('judge').size).toBe(plan.cells.length);
  });

  it('measures every judge on the same pairs', () => {
    const pairs = plan.cells.map(({ tests }) => SPLITS.map((split) => resultOf(tests[split]).families));
    for (const families of pairs) expect(families).toEqual(pairs[0]);
    expect(pairs[0].map(({ length }) => length)).toEqual([16, 16]);
  });

  it('summarizes accuracies and differences over seeds and pairs', () => {
    const summary = summarize(tiny, plan, resultOf);
    const means = tiny.primary.arms.map((arm) => {
      const own = plan.cells.filter((cell) => cell.arm === arm && cell.labels === 24);
      return mean(own.flatMap(({ tests }) => resultOf(tests['out-of-distribution']).correct));
    });
    expect(summary.primary.seeds).toBe(3);
    const { before, after, gain, seeds } = summary.unlabeled[1];
    expect(seeds).toBe(3);
    expect(after.mean - before.mean).toBeCloseTo(gain.mean, 12);
    expect(unlabeledSentence(summary)).toMatch(/^Without a label.* over 3 seeds\.$/);
    expect(summary.primary.mean).toBeCloseTo(means[0] - means[1], 12);
    const [low, high] = summary.primary.interval;
    expect((low + high) / 2).toBeCloseTo(summary.primary.mean, 12);
    expect(high).toBeGreaterThanOrEqual(low);
    for (const split of SPLITS)
      expect(accuracyTable(summary, tiny, split).rows).toHaveLength(armsOf(tiny).length + 2);
    expect(primarySentence(summary)).toMatch(
      /^Declared beforehand: with 24 labels and 3 seeds, out of distribution, by likelihood, stage 1 minus by likelihood is/,
    );
    expect(JSON.stringify(toJson(tiny, summary))).not.toContain('"correct"');
    const rankings = resultOf(plan.ranked);
    expect(rankings.map(({ responses }) => responses.length)).toEqual([3, 3]);
    const html = reportPage({ recipe: tiny, summary, losses: [], rankings, seconds: 1 });
    expect(html).toContain('Does learning to write pairs help');
  });
});

/** The ids of the stages of a kind that a stage needs, with its own. */
function chain(each, kind) {
  return [
    ...(each.kind === kind ? [each.id] : []),
    ...Object.values(each.needs).flatMap((need) => chain(need, kind)),
  ];
}
