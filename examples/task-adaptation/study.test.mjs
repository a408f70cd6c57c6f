import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mean } from '@gram/base';
import { runGrid } from '@gram-examples/common/grid/run-grid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { laptop as ranking } from '../reward-ranking/recipes/laptop.mjs';
import { planOf as rankingPlan } from '../reward-ranking/study.mjs';
import { laptop } from './recipes/laptop.mjs';
import { tiny } from './recipes/tiny.mjs';
import { accuracyTable, effectTable, primarySentence, reportPage } from './report.mjs';
import { ARMS, ORACLE, planOf } from './study.mjs';
import { summarize } from './summary.mjs';

const module = new URL('../common/stages.mjs', import.meta.url).href;
const directory = mkdtempSync(join(tmpdir(), 'gram-adaptation-'));
afterAll(() => rmSync(directory, { recursive: true }));

const modelOf = ({ test }) => test.needs.judge.needs.model;

it('trains its judges as the study of reward ranking does', () => {
  const { seeds } = laptop;
  const asked = {
    ...ranking,
    seeds,
    arms: ['by likelihood, stage 1', 'by likelihood'],
    primary: undefined,
    lists: undefined,
  };
  const theirs = rankingPlan(asked).cells.map(({ judge }) => judge.id);
  const own = planOf(laptop).cells.filter(({ arm }) => ['stage 1', 'without stage 1'].includes(arm));
  expect(own.length).toBeGreaterThan(0);
  for (const cell of own) expect(theirs).toContain(modelOf(cell).id);
});

describe('the study of task adaptation', () => {
  const plan = planOf(tiny);
  let resultOf;
  beforeAll(async () => {
    ({ resultOf } = await runGrid({ module, targets: plan.targets, directory, label: 'test' }));
  }, 600_000);

  it('adapts each arm to both tasks, and a task of its own only where it reads that', () => {
    expect(plan.cells).toHaveLength(2 * 2 * (ARMS.length * 2 + 1));
    const idsOf = (arm) =>
      new Set(plan.cells.filter((cell) => cell.arm === arm).map((cell) => modelOf(cell).id));
    // All seeds share the base.
    expect(ARMS.map(({ name }) => idsOf(name).size)).toEqual([2, 2, 4, 1]);
    expect(idsOf(ORACLE).size).toBe(2);
  });

  it('summarizes accuracies and what was declared over both tasks', () => {
    const summary = summarize(tiny, plan, resultOf);
    const accuracy = (arm) =>
      mean(
        plan.cells
          .filter((cell) => cell.arm === arm && cell.units === 3)
          .flatMap(({ test }) => resultOf(test).correct),
      );
    expect(summary.primary.mean).toBeCloseTo(accuracy('stage 1') - accuracy('without stage 1'), 12);
    const [low, high] = summary.primary.interval;
    expect((low + high) / 2).toBeCloseTo(summary.primary.mean, 12);
    for (const task of tiny.tasks) {
      expect(accuracyTable(summary, tiny, task).rows).toHaveLength(ARMS.length + 1);
      expect(effectTable(summary, tiny, task).rows.map((row) => row.length)).toEqual([3, 3, 3]);
    }
    expect(primarySentence(summary, tiny)).toMatch(/^Declared beforehand: with 12 labels of a task,/);
    expect(reportPage(summary, tiny, 1)).toContain('need fewer labels of a new task?');
  });
});
