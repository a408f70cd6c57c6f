import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { initWeights, type ModelConfig } from '@gram/model';
import { checkpointPath, latestCheckpoint } from '@gram/run';
import { describe, expect, it } from 'vitest';
import { tinyModel } from './__fixtures__/tiny-model.js';
import { loadCheckpoint, saveCheckpoint, type TrainingState } from './checkpoint.js';
import type { PreferenceExample } from './examples/kinds.js';
import { preference } from './objectives/preference.js';
import { adamW } from './optimizers/adamw.js';
import type { TrainOptions } from './train-options.js';
import { train } from './trainer.js';

const config: ModelConfig = { ...tinyModel, numHiddenLayers: 2, maxPositionEmbeddings: 32 };

/** The label is told by the first token: something that a small model learns in a few steps. */
const examples: PreferenceExample[] = Array.from({ length: 96 }, (_, i) => {
  const random = createRandom(1, 'example', i);
  const label = random.integer(2) as 0 | 1;
  const rest = Array.from({ length: 3 + random.integer(8) }, () => 5 + random.integer(15));
  return { ids: [2 + label, ...rest], label, swapped: [3 - label, ...rest, 5] };
});

const objective = preference({ labels: [0, 1], labelSmoothing: 0 });
const options: TrainOptions = { learningRate: 1e-2, batchSize: 16, microBatchSize: 8, epochs: 3, seed: 5 };
const fresh = () => initWeights(config, createRandom(2, 'weights'));
const bytes = (weights: ReturnType<typeof fresh>) =>
  Object.entries(weights).map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('base64')]);
const gram = { format: 1, kind: 'generative', judgePrompt: 'p', chat: 'c', maxLength: 32 } as const;

describe('train', () => {
  it('learns, and reports loss, accuracy and learning rate of each step', async () => {
    const { history, step, skipped } = await train({
      config,
      weights: fresh(),
      objective,
      examples,
      options,
    });
    expect(step).toBe(18);
    expect(skipped).toBe(0);
    const accuracy = (part: typeof history) => part.reduce((sum, r) => sum + r.accuracy!, 0) / part.length;
    expect(accuracy(history.slice(-4))).toBeGreaterThan(0.95);
    expect(accuracy(history.slice(0, 3))).toBeLessThan(0.8);
    expect(history[0]!.learningRate).toBeCloseTo(options.learningRate / 2, 12);
  });

  it('learns in its only step', async () => {
    const weights = fresh();
    const once = { ...options, batchSize: 96, epochs: 1 };
    const { history } = await train({ config, weights, objective, examples, options: once });
    expect(history.map(({ learningRate }) => learningRate)).toEqual([options.learningRate]);
    expect(bytes(weights)).not.toEqual(bytes(fresh()));
  });

  it('computes the same step from one large batch as from many small ones', async () => {
    const [whole, parts] = [fresh(), fresh()];
    await train({
      config,
      weights: whole,
      objective,
      examples,
      options: { ...options, microBatchSize: 16, epochs: 1 },
    });
    await train({
      config,
      weights: parts,
      objective,
      examples,
      options: { ...options, microBatchSize: 3, epochs: 1 },
    });
    for (const [name, { data }] of Object.entries(whole)) {
      for (let i = 0; i < data.length; i++)
        expect(Math.abs(data[i]! - parts[name]!.data[i]!)).toBeLessThan(2e-4);
    }
  });

  it('resumes from a checkpoint to the same bytes as without the stop', async () => {
    const straight = fresh();
    const full = await train({ config, weights: straight, objective, examples, options });

    const directory = await mkdtemp(join(tmpdir(), 'gram-train-'));
    const stopped = fresh();
    const controller = new AbortController();
    await expect(
      train({
        config,
        weights: stopped,
        objective,
        examples,
        options,
        signal: controller.signal,
        async onStep({ step }, state) {
          if (step !== 7) return;
          await saveCheckpoint(
            checkpointPath(directory, step),
            { model: { config, weights: stopped, gram } },
            state,
          );
          controller.abort();
        },
      }),
    ).rejects.toThrow();

    const { model, ...resume } = await loadCheckpoint((await latestCheckpoint(directory))!, adamW());
    const resumed = await train({ config, weights: model.weights, objective, examples, options, resume });
    expect(bytes(model.weights)).toEqual(bytes(straight));
    expect(resumed.history).toEqual(full.history);
    expect(await readdir(directory)).toEqual(['checkpoint-0000007']);
  });

  it('gives the same bytes twice, at a size at which operations are split over threads', async () => {
    const larger = {
      ...config,
      vocabSize: 64,
      hiddenSize: 64,
      intermediateSize: 128,
      numHiddenLayers: 1,
      headDim: 32,
    };
    const long = Array.from({ length: 64 }, (_, i) => {
      const random = createRandom(4, 'long', i);
      return { ids: Array.from({ length: 60 }, () => 2 + random.integer(8)), label: (i % 2) as 0 | 1 };
    });
    const run = async () => {
      const weights = initWeights(larger, createRandom(2, 'weights'));
      const once = { learningRate: 1e-2, batchSize: 64, epochs: 6 };
      await train({ config: larger, weights, objective, examples: long, options: once });
      return bytes(weights);
    };
    expect(await run()).toEqual(await run());
  });

  it('refuses to resume with other options, and says so before any step', async () => {
    const weights = fresh();
    const done = await train({ config, weights, objective, examples, options: { ...options, epochs: 1 } });
    const before = bytes(weights);
    await expect(
      train({ config, weights, objective, examples, options: { ...options, batchSize: 2 }, resume: done }),
    ).rejects.toMatchObject({
      code: 'bad-checkpoint',
      message: expect.stringContaining('batchSize'),
    });
    expect(bytes(weights)).toEqual(before);
  });

  it('gives up after steps without a finite gradient and leaves the weights as they were', async () => {
    const weights = fresh();
    weights['model.norm.weight']!.data[0] = Number.NaN;
    const before = bytes(weights);
    await expect(train({ config, weights, objective, examples, options })).rejects.toMatchObject({
      code: 'diverged',
    });
    expect(bytes(weights)).toEqual(before);
  });

  it('refuses to train on nothing', async () => {
    const run = train({ config, weights: fresh(), objective, examples: [], options });
    await expect(run).rejects.toMatchObject({ code: 'no-data' });
  });
});

describe('loadCheckpoint', () => {
  it('refuses state that is broken', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gram-train-'));
    const weights = fresh();
    let state: TrainingState | undefined;
    await train({
      config,
      weights,
      objective,
      examples,
      options,
      onStep: (_record, now) => {
        state = now;
      },
    });
    const path = checkpointPath(directory, 18);
    await saveCheckpoint(path, { model: { config, weights, gram } }, state!);
    await writeFile(join(path, 'training.json'), '{"step": 1');
    await expect(loadCheckpoint(path, adamW())).rejects.toMatchObject({ code: 'bad-checkpoint' });
  });
});
