import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mean } from '@gram/base';
import { runGrid } from '@gram-examples/common/grid/run-grid';
import { afterAll, expect, it } from 'vitest';
import { questions } from '../recipes/questions.mjs';
import { search } from '../recipes/search.mjs';
import { tiny } from '../recipes/tiny.mjs';
import { askedOf, questionPhases, withChanges } from './plan.mjs';
import { questionsPage, questionTable } from './report.mjs';
import { summarize } from './summary.mjs';

const module = new URL('../../common/stages.mjs', import.meta.url).href;
const directory = mkdtempSync(join(tmpdir(), 'gram-questions-'));
afterAll(() => rmSync(directory, { recursive: true }));

const without = { name: 'none', arm: 'generative, smoothing', labels: 12, change: {} };
const recipe = {
  ...tiny,
  splits: ['in-distribution', 'out-of-distribution'],
  questions: [
    {
      name: 'all',
      question: 'Does it <run>?',
      settings: [
        without,
        { ...without, name: 'wrong labels', change: { 'stage2.flipped': 1 }, against: 'none' },
        { name: 'likelihood', arm: 'likelihood, stage 1', change: {}, against: 'none' },
      ],
    },
  ],
  stage2: { ...tiny.stage2, flipped: 0 },
};

it('answers a question from settings that share what they have in common', async () => {
  const asked = askedOf(recipe);
  const tests = asked[0].settings.flatMap((setting) => setting.tests.flatMap(Object.values));
  const { resultOf, total } = await runGrid({ module, targets: tests, directory, label: 'test' });
  // One tokenizer and one base; for each of two seeds stage 1, two judges and the three answers to each of two splits.
  expect(total).toBe(2 + 2 * (1 + 2 + 3 * 2));
  const summary = summarize(asked, resultOf);
  const [none, wrong, likelihood] = summary[0].settings;
  const correct = asked[0].settings[0].tests.flatMap((test) => resultOf(test['in-distribution']).correct);
  expect(none['in-distribution'].mean).toBeCloseTo(mean(correct), 12);
  expect(none['in-distribution'].gain).toBeUndefined();
  for (const other of [wrong, likelihood]) {
    const { mean: own, gain } = other['out-of-distribution'];
    expect(gain.mean).toBeCloseTo(own - none['out-of-distribution'].mean, 12);
    expect(gain.interval[0]).toBeLessThanOrEqual(gain.mean);
  }
  const { rows, caption } = questionTable(summary[0], recipe);
  expect(rows.map(([name]) => name)).toEqual(['none', 'wrong labels', 'likelihood']);
  expect(caption).toContain('difference in points to "none"');
  expect(questionsPage({ recipe, summary, seconds: 1 })).toContain('Does it &lt;run&gt;?');
}, 120_000);

it.each([questions, search])('compares settings of $name with settings of the same question', (each) => {
  for (const { settings } of each.questions) {
    const names = settings.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { against } of settings) if (against !== undefined) expect(names).toContain(against);
  }
  expect(questionPhases(each).length).toBeGreaterThan(3);
});

it('refuses to change what a recipe does not have', () => {
  expect(withChanges(tiny, { 'data.unlabeled': 3 }).data.unlabeled).toBe(3);
  expect(tiny.data.unlabeled).not.toBe(3);
  expect(() => withChanges(tiny, { 'data.unlabeld': 3 })).toThrow('no setting called unlabeld');
});

it('chooses the recipe on families that have labels, and on none that the study reports', () => {
  const asked = askedOf(search);
  for (const { settings } of asked)
    for (const { tests } of settings)
      for (const test of tests) expect(Object.keys(test)).toEqual(['validation']);
});
