import { createRandom } from '@gram/base';
import { copyWeights, initAdapter, initWeights, type LoraConfig } from '@gram/model';
import { bestStep } from '@gram/run';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../__fixtures__/tiny-model.js';
import { microBatches } from '../batches/micro-batches.js';
import type { PreferenceExample } from '../examples/kinds.js';
import { sourceOf } from '../examples/source.js';
import { preference } from '../objectives/preference.js';
import { sgd } from '../optimizers/sgd.js';
import { adapterPart } from '../parts/trained-part.js';
import { train } from '../trainer.js';
import { type TrainingRecord, trainingMetrics } from '../training-record.js';
import { createTrainingStep } from './training-step.js';
import { createValidation } from './validation.js';

const config = tinyModel;
const random = createRandom(1, 'examples');
const examples = Array.from({ length: 23 }, (): PreferenceExample => {
  const label = random.integer(2) as 0 | 1;
  return {
    ids: [2 + label, ...Array.from({ length: 3 + random.integer(30) }, () => 5 + random.integer(15))],
    label,
  };
});
const objective = preference({ labels: [0, 1] });
const source = sourceOf(examples, objective);
const fresh = () => initWeights(config, createRandom(2, 'weights'), 0.3);

describe('createValidation', () => {
  it.each([1, 4, 64])(
    'gives what a training step says of the same examples, %d at a time',
    async (microBatchSize) => {
      const weights = fresh();
      const validation = createValidation(config, objective, source, { microBatchSize });
      const measured = await validation.run(weights);
      expect(await validation.run(weights)).toEqual(measured);
      validation.dispose();
      const step = createTrainingStep(config, objective, sgd(), copyWeights(weights), {});
      const { loss, metrics } = await step.run(microBatches(objective, examples, 64), {
        update: 1,
        learningRate: 0,
        maxGradientNorm: 1,
      });
      step.dispose();
      expect(Math.abs(measured.loss - loss)).toBeLessThan(1e-5);
      expect(Math.abs(measured.accuracy! - metrics.accuracy!)).toBeLessThan(1e-5);
    },
  );

  it('drops nothing of an adapter', async () => {
    const base = fresh();
    const measure = async (dropout: number) => {
      const lora: LoraConfig = { rank: 2, alpha: 8, targets: ['q_proj', 'down_proj'], dropout };
      const adapter = initAdapter(config, lora, base, createRandom(3, 'adapter'));
      // New adapters change nothing; these do.
      for (const { data } of Object.values(adapter)) {
        for (const i of data.keys()) data[i]! += Math.sin(i);
      }
      const part = adapterPart(config, lora, base);
      const validation = createValidation(config, objective, source, { part, microBatchSize: 8 });
      const result = await validation.run(adapter);
      validation.dispose();
      return result;
    };
    expect(await measure(0.5)).toEqual(await measure(0));
  });
});

describe('a run with held-out examples', () => {
  const run = (validated: boolean) =>
    train({
      config,
      weights: fresh(),
      objective,
      examples,
      options: { learningRate: 1e-2, batchSize: 8, epochs: 2 },
      ...(validated && { validation: { examples: examples.slice(0, 5), due: (step) => step % 2 === 0 } }),
    });

  it('measures them where they are due and at the end, and trains as without them', async () => {
    const [{ history }, bare] = [await run(true), await run(false)];
    expect(history.map(({ validation }) => validation !== undefined)).toEqual(
      [0, 1, 0, 1, 0, 1].map(Boolean),
    );
    expect(history.map(({ validation: _, ...rest }) => rest)).toEqual(bare.history);
    expect(history.at(-1)!.validation).toEqual({ loss: expect.any(Number), accuracy: expect.any(Number) });
  });
});

it('the best step is the first with the lowest finite loss', () => {
  const record = (step: number, loss?: number): TrainingRecord => ({
    ...{ step, loss: 0, gradientNorm: 1, learningRate: 1, tokens: 1 },
    ...(loss !== undefined && { validation: { loss } }),
  });
  expect(bestStep([], trainingMetrics)).toBeUndefined();
  expect(bestStep([record(1)], trainingMetrics)).toBeUndefined();
  expect(bestStep([record(1, Number.NaN), record(2)], trainingMetrics)).toBeUndefined();
  expect(
    bestStep([record(1, 3), record(2, 1), record(3), record(4, 1), record(5, Number.NaN)], trainingMetrics),
  ).toBe(2);
});
