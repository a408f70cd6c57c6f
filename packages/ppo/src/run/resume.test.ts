import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sgd } from '@gram/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents } from '../__fixtures__/directory.js';
import { tinyConfig, tinyRun } from '../__fixtures__/tiny-run.js';
import type { PpoOptionsInput } from '../options.js';
import { ppo } from '../trainer.js';
import type { PpoResult } from './run.js';

const root = mkdtempSync(join(tmpdir(), 'gram-ppo-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Every run compiles its graphs again, and one layer has half as much of them. */
const shallowRun = () => tinyRun({ ...tinyConfig, numHiddenLayers: 1 });

/** Scores and checkpoints fall on different steps, so that each may be lost without the other. */
const options: PpoOptionsInput = {
  steps: 7,
  maxNewTokens: 6,
  batchSize: 8,
  miniBatchSize: 4,
  epochs: 1,
  valueOnlySteps: 1,
  policyLearningRate: 3e-3,
  valueLearningRate: 3e-3,
  sampling: { temperature: 1, topP: 1 },
  evaluateEvery: 2,
  checkpointEvery: 3,
  queueSize: 20,
  seed: 5,
};

describe('a stopped run', () => {
  let straight: Record<string, string>;
  let result: PpoResult;
  beforeAll(async () => {
    result = await ppo({ ...shallowRun(), options, output: join(root, 'straight') });
    straight = contents(join(root, 'straight'));
  });

  it('leaves two checkpoints and the best one, a model, the records, a report and a model card', () => {
    const output = join(root, 'straight');
    const names = readdirSync(output).sort();
    const steps = [...new Set([result.best.step, 6, 7])].sort();
    const checkpoints = steps.map((step) => `checkpoint-${String(step).padStart(7, '0')}`);
    expect(names).toEqual([
      'README.md',
      ...checkpoints,
      'metrics.jsonl',
      'model',
      'report.html',
      'samples.jsonl',
      'tensorboard',
    ]);
    expect(result.evaluations.map(({ step }) => step)).toEqual([0, 2, 4, 6, 7]);
    const lines = readFileSync(join(output, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line));
    expect(records.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(records.filter(({ validation }) => validation !== undefined).map(({ step }) => step)).toEqual([
      0, 2, 4, 6, 7,
    ]);
    for (const record of result.steps)
      expect(records[record.step]).toMatchObject(JSON.parse(JSON.stringify(record)));
    const page = readFileSync(join(output, 'report.html'), 'utf8');
    for (const title of ['Reward', 'KL to the reference', 'Policy loss', 'Value loss', 'validation data']) {
      expect(page).toContain(title);
    }
    expect(readFileSync(join(output, 'README.md'), 'utf8')).toContain(
      `The model is that of step ${result.best.step}.`,
    );
  });

  it('resumes to the same bytes, wherever it stopped', { timeout: 240_000 }, async () => {
    // Each score of the reward function is a place to stop: 7 steps and 5 rounds of validation. Before, between, in and after both.
    for (const stopAt of [1, 2, 3, 6, 9, 12]) {
      const output = join(root, `stop-${stopAt}`);
      let calls = 0;
      const run = shallowRun();
      const stopped = ppo({
        ...run,
        options,
        output,
        reward: (groups, context) => {
          if (++calls >= stopAt) throw new Error('killed');
          return run.reward(groups, context);
        },
      });
      await expect(stopped).rejects.toThrow('killed');
      const resumed = await ppo({ ...shallowRun(), options, output, resume: true });
      expect(contents(output), `stopped at call ${stopAt}`).toEqual(straight);
      expect(JSON.stringify(resumed.steps)).toBe(JSON.stringify(result.steps));
      expect(JSON.stringify(resumed.evaluations)).toBe(JSON.stringify(result.evaluations));
      expect(resumed.best).toEqual(result.best);
    }
  });

  it('removes what a kill in the middle of writing left behind', async () => {
    const output = join(root, 'leftovers');
    const controller = new AbortController();
    const stopped = ppo({
      ...shallowRun(),
      options,
      output,
      signal: controller.signal,
      onStep: ({ step }) => {
        if (step === 5) controller.abort(new Error('killed'));
      },
    });
    await expect(stopped).rejects.toThrow('killed');
    writeFileSync(join(output, 'metrics.jsonl.f00d.gram-tmp'), '{"st');
    mkdirSync(join(output, 'checkpoint-0000006.gram-tmp', 'policy'), { recursive: true });
    await ppo({ ...shallowRun(), options, output, resume: true });
    expect(contents(output)).toEqual(straight);
  });

  it('completes what a kill after the last checkpoint left undone', async () => {
    const output = join(root, 'undone');
    cpSync(join(root, 'straight'), output, { recursive: true });
    // The last checkpoint was renamed into place, and nothing that follows had happened yet.
    rmSync(join(output, 'model'), { recursive: true });
    writeFileSync(join(output, 'metrics.jsonl'), '');
    cpSync(join(output, 'checkpoint-0000007'), join(output, 'checkpoint-0000005'), { recursive: true });
    await ppo({ ...shallowRun(), options, output, resume: true });
    expect(contents(output)).toEqual(straight);
  });

  it('resumes to the same bytes when it is stopped again and again, by an abort', async () => {
    const output = join(root, 'aborted');
    for (let round = 0; round < 4; round++) {
      const controller = new AbortController();
      let steps = 0;
      const run = ppo({
        ...shallowRun(),
        options,
        output,
        resume: round > 0,
        signal: controller.signal,
        onStep: () => {
          if (++steps === 2) controller.abort(new Error('interrupted'));
        },
      });
      if (round < 3) await expect(run).rejects.toThrow('interrupted');
      else await run;
    }
    expect(contents(output)).toEqual(straight);
  });

  it('has nothing left to do when it is resumed after its end', async () => {
    const again = await ppo({
      ...shallowRun(),
      options,
      output: join(root, 'straight'),
      resume: true,
      onStep: () => expect.unreachable(),
    });
    expect(again.stopped).toBe('steps');
    expect(contents(join(root, 'straight'))).toEqual(straight);
  });

  it('is extended to what a longer run would have been, and not shortened', async () => {
    const output = join(root, 'extended');
    await ppo({ ...shallowRun(), options: { ...options, steps: 4 }, output });
    const extended = await ppo({ ...shallowRun(), options, output, resume: true });
    expect(JSON.stringify(extended.steps)).toBe(JSON.stringify(result.steps));
    const shorter = ppo({ ...shallowRun(), options: { ...options, steps: 5 }, output, resume: true });
    await expect(shorter).rejects.toThrow(/has 7 steps behind it, and steps is 5/);
    const other = ppo({
      ...shallowRun(),
      options: { ...options, steps: 8, clip: 0.1 },
      output,
      resume: true,
    });
    await expect(other).rejects.toThrow(/is of another run: clip/);
  });

  it('is not resumed by accident, by another run, or from a broken checkpoint', async () => {
    const output = join(root, 'straight');
    await expect(ppo({ ...shallowRun(), options, output })).rejects.toMatchObject({ code: 'output-in-use' });
    const other = shallowRun();
    const [first, ...rest] = other.prompts;
    for (const change of [
      { options: { ...options, seed: 6 } },
      { options: { ...options, optimizer: sgd() } },
      { prompts: rest },
      { validation: [first!] },
      { policy: { ...other.policy, weights: other.value.weights } },
    ]) {
      const run = ppo({ ...shallowRun(), options, ...change, output, resume: true });
      await expect(run).rejects.toMatchObject({ code: expect.stringMatching(/^bad-/) });
    }
    expect(contents(output)).toEqual(straight);
    const broken = join(root, 'broken');
    await ppo({ ...shallowRun(), options: { ...options, steps: 2 }, output: broken });
    writeFileSync(join(broken, 'checkpoint-0000002', 'ppo.json'), '{"step": 1');
    await expect(
      ppo({ ...shallowRun(), options: { ...options, steps: 2 }, output: broken, resume: true }),
    ).rejects.toMatchObject({ code: 'bad-checkpoint' });
  });
});
