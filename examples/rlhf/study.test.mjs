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
import { bestOfNTable, policyTable, primarySentences, reportPage, shownOf } from './report.mjs';
import { planOf } from './study.mjs';
import { readAt, summarize } from './summary.mjs';

const module = new URL('../common/stages.mjs', import.meta.url).href;
const directory = mkdtempSync(join(tmpdir(), 'gram-rlhf-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('trains its judges as the study of reward ranking does', () => {
  const { seeds } = laptop;
  const asked = {
    ...ranking,
    seeds,
    arms: laptop.arms,
    primary: undefined,
    lists: undefined,
  };
  const theirs = rankingPlan(asked).cells.map(({ judge }) => judge.id);
  const { cells } = planOf(laptop);
  expect(cells).toHaveLength(laptop.arms.length * seeds.length);
  for (const { run } of cells) expect(theirs).toContain(run.needs.judge.id);
});

it('reads a curve between the first measurements around a KL', () => {
  const lists = [
    [0, 4],
    [1, 8],
    [9, 9],
  ];
  expect(readAt([0, 2, 1], lists, 0)).toEqual([0, 4]);
  expect(readAt([0, 2, 1], lists, 1)).toEqual([0.5, 6]);
  expect(readAt([0, 2, 4], lists, 3)).toEqual([5, 8.5]);
});

describe('the study of RLHF', () => {
  const plan = planOf(tiny);
  let resultOf;
  beforeAll(async () => {
    ({ resultOf } = await runGrid({ module, targets: plan.targets, directory, label: 'test' }));
  }, 600_000);

  it('starts all runs of a seed from one policy and measures them on the same prompts', () => {
    expect(plan.cells).toHaveLength(2 * tiny.arms.length);
    expect(new Set(plan.cells.map(({ run }) => run.needs.policy.id)).size).toBe(2);
    const [first, ...others] = plan.cells.map(({ run }) => resultOf(run));
    expect(first.curve.map(({ step }) => step)).toEqual([0, 2, 3]);
    for (const { shown, curve } of others) {
      expect(shown).toEqual(first.shown);
      expect(curve.map(({ oracle }) => oracle.length)).toEqual([8, 8, 8]);
    }
    // The reward of the start does not depend on the judge.
    const starts = plan.cells.filter(({ seed }) => seed === 1).map(({ run }) => resultOf(run).curve[0]);
    for (const { oracle, kl } of starts) {
      expect(oracle).toEqual(starts[0].oracle);
      expect(mean(kl)).toBeCloseTo(0, 6);
    }
  });

  it('selects the policy that its judge likes best on validation prompts', () => {
    for (const { run } of plan.cells) {
      const { curve, selected } = resultOf(run);
      expect(curve[selected].validation).toBe(Math.max(...curve.map(({ validation }) => validation)));
    }
  });

  it('summarizes policies, best of n and the differences that were declared', () => {
    const summary = summarize(tiny, plan, resultOf);
    const [ppo, choice] = summary.primary;
    const worth = (arm) =>
      mean(
        plan.cells
          .filter((cell) => cell.arm === arm)
          .flatMap(({ run }) => resultOf(run).curve[resultOf(run).selected].oracle),
      );
    expect(ppo.mean).toBeCloseTo(worth('by likelihood, stage 1') - worth('discriminative'), 12);
    const [all] = summary.bestOfN.map(({ points }) => points.at(-1));
    // The best of all samples is the one that the judge likes most.
    const best = plan.cells
      .filter(({ arm }) => arm === tiny.arms[0])
      .flatMap(({ choices }) => resultOf(choices).proxy.map((values) => Math.max(...values)));
    expect(all.proxy.mean).toBeCloseTo(mean(best), 12);
    expect(all.kl).toBeCloseTo(Math.log(4) - 3 / 4, 12);
    // One sample is the mean of all, whoever chooses.
    for (const { points } of summary.bestOfN) {
      expect(points[0].oracle.mean).toBeCloseTo(summary.bestOfN[0].points[0].oracle.mean, 12);
    }
    expect(choice.of).toBe('best of 4');
    expect(primarySentences(summary)[0]).toMatch(
      /^Declared beforehand: PPO over 2 seeds, .*by likelihood, stage 1 minus/,
    );
    expect(policyTable(summary).rows).toHaveLength(1 + tiny.arms.length);
    expect(bestOfNTable(summary).rows).toHaveLength(3);
    const html = reportPage({ recipe: tiny, summary, shown: shownOf(plan, resultOf), seconds: 1 });
    expect(html).toContain('Does a policy become better when its judge has had stage 1?');
  });
});
