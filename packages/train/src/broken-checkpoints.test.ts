import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { initAdapter, initWeights, type Weights } from '@gram/model';
import { checkpointPath, claimOutput, conductRun } from '@gram/run';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breakages } from '../../run/src/checkpoints/__fixtures__/breakages.js';
import { tinyModel as config } from './__fixtures__/tiny-model.js';
import { type Checkpoint, loadCheckpoint, saveCheckpoint, type TrainingState } from './checkpoint.js';
import type { PreferenceExample } from './examples/kinds.js';
import { preference } from './objectives/preference.js';
import { adamW } from './optimizers/adamw.js';
import { adapterPart } from './parts/trained-part.js';
import { type TrainRun, train } from './trainer.js';
import { trainingMetrics } from './training-record.js';

const examples: PreferenceExample[] = Array.from({ length: 12 }, (_, i) => {
  const random = createRandom(1, 'example', i);
  const ids = Array.from({ length: 6 }, () => 2 + random.integer(18));
  return { ids, label: (i % 2) as 0 | 1, swapped: [...ids].reverse() };
});
const objective = preference({ labels: [0, 1] });
const options = { learningRate: 1e-2, batchSize: 4, epochs: 2, seed: 5 };
const gram = { format: 1, kind: 'generative', judgePrompt: 'p', chat: 'c', maxLength: 32 } as const;
const weightsOf = (seed: number) => initWeights(config, createRandom(seed, 'weights'));

/** Trains in a directory, with checkpoints after every second of the six steps; returns the trained weights. */
async function run(directory: string, resume?: Checkpoint): Promise<Weights> {
  const weights = resume?.model.weights ?? weightsOf(2);
  const output = await claimOutput(directory);
  await conductRun<TrainingState>(
    {
      metrics: trainingMetrics,
      ...{ totalSteps: 6, doneSteps: resume?.step ?? 0, history: resume?.history ?? [] },
      run: (hooks) => train({ config, weights, objective, examples, options, resume, ...hooks }),
      save: (path, state) => saveCheckpoint(path, { model: { config, weights, gram } }, state),
      restore: () => expect.unreachable(),
    },
    { output, label: 'test', checkpointEvery: 2 },
  );
  await output.release();
  return weights;
}

const root = mkdtempSync(join(tmpdir(), 'gram-train-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('a broken checkpoint of training', () => {
  const straight = join(root, 'straight');
  let trained: Weights;
  beforeAll(async () => {
    trained = await run(straight);
  });

  it.each(breakages)('$name: is refused by name, and the older one is used on request', async (breakage) => {
    const output = join(root, 'broken');
    rmSync(output, { recursive: true, force: true });
    cpSync(straight, output, { recursive: true });
    const [path, older] = [checkpointPath(output, 4), checkpointPath(output, 2)];
    breakage.break({
      ...{ path, older, weights: 'model/model.safetensors', moments: 'moments.safetensors' },
      ...{ state: 'training.json', records: 'history' },
    });
    await expect(loadCheckpoint(path, adamW())).rejects.toMatchObject({
      code: 'bad-checkpoint',
      message: expect.stringMatching(new RegExp(`^${path} is broken: .*${breakage.says.source}`)),
      hint: expect.stringContaining(older),
    });
    expect(await run(output, await loadCheckpoint(older, adamW()))).toEqual(trained);
    const metrics = (directory: string) => readFileSync(join(directory, 'metrics.jsonl'), 'utf8');
    expect(metrics(output)).toBe(metrics(straight));
    // The broken one was written again.
    await expect(loadCheckpoint(path, adamW())).resolves.toMatchObject({ step: 4 });
  });

  it('without a whole one beside it says so', async () => {
    const output = join(root, 'alone');
    cpSync(checkpointPath(straight, 4), checkpointPath(output, 4), { recursive: true });
    rmSync(join(checkpointPath(output, 4), 'moments.safetensors'));
    await expect(loadCheckpoint(checkpointPath(output, 4), adamW())).rejects.toMatchObject({
      message: expect.stringContaining('"moments.safetensors" is missing'),
      hint: expect.stringContaining('no older whole checkpoint'),
    });
  });
});

describe('a run that is resumed', () => {
  const lora = { rank: 2, alpha: 4, targets: ['q_proj'] } as const;
  const start = (seed: number): TrainRun<PreferenceExample> => {
    const base = weightsOf(seed);
    return {
      ...{ config, objective, examples, options },
      weights: initAdapter(config, lora, weightsOf(2), createRandom(0, 'adapter')),
      part: adapterPart(config, lora, base),
      validation: { examples: examples.slice(0, 4), due: () => true },
      identity: { tokenizer: 'a' },
    };
  };

  it.each([
    ['base weights', (run: TrainRun<PreferenceExample>) => ({ ...run, part: start(3).part! })],
    ['training data', (run) => ({ ...run, examples: examples.slice(0, 8) })],
    [
      'held-out data',
      (run) => ({ ...run, validation: { ...run.validation!, examples: examples.slice(1, 4) } }),
    ],
    ['learningRate', (run) => ({ ...run, options: { ...options, learningRate: 1 } })],
    ['tokenizer', (run) => ({ ...run, identity: { tokenizer: 'b' } })],
    ['objective', (run) => ({ ...run, objective: preference({ labels: [0, 1], labelSmoothing: 0 }) })],
    ['architecture', (run) => ({ ...run, config: { ...config, ropeTheta: 1000 } })],
  ] satisfies [string, (run: TrainRun<PreferenceExample>) => object][])(
    'with other %s is refused before its first step, which is named',
    async (part, change) => {
      const { moments, ...state } = await train(start(2));
      const changed = { ...start(2), ...change(start(2)) };
      const onStep = () => expect.unreachable();
      await expect(train({ ...changed, resume: { moments, ...state }, onStep })).rejects.toMatchObject({
        code: 'bad-checkpoint',
        message: `the checkpoint is of another run: ${part} differ`,
      });
    },
  );
});
