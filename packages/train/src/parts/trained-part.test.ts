import { createRandom } from '@gram/base';
import {
  copyWeights,
  initAdapter,
  initWeights,
  type LoraConfig,
  type ModelConfig,
  mergeAdapter,
} from '@gram/model';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../__fixtures__/tiny-model.js';
import type { TrainingState } from '../checkpoint.js';
import { preference } from '../objectives/preference.js';
import { pairGeneration } from '../objectives/token-generation.js';
import type { TrainOptions } from '../train-options.js';
import { train } from '../trainer.js';
import { adapterPart } from './trained-part.js';

const config: ModelConfig = {
  ...tinyModel,
  architecture: 'Qwen3ForCausalLM',
  vocabSize: 30,
  numHiddenLayers: 2,
};
const base = initWeights(config, createRandom(1, 'weights'), 0.3);
const lora: LoraConfig = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'down_proj'], dropout: 0.1 };
const random = createRandom(2, 'examples');
// The label follows from the last token but one.
const examples = Array.from({ length: 48 }, () => {
  const label = random.integer(2) as 0 | 1;
  const ids = Array.from({ length: 6 + random.integer(4) }, () => 3 + random.integer(20));
  return { ids: [...ids, 25 + label, 29], label };
});
const options: TrainOptions = { learningRate: 0.01, batchSize: 8, microBatchSize: 4, epochs: 6, seed: 3 };
const objective = preference({ labels: [1, 2] });

function start() {
  const weights = initAdapter(config, lora, base, createRandom(4, 'adapter'));
  return { config, weights, part: adapterPart(config, lora, base, 3), objective, examples, options };
}

describe('training an adapter', () => {
  it('learns, and leaves the model under it as it was', async () => {
    const before = copyWeights(base);
    const run = start();
    const { history } = await train(run);
    const mean = (part: typeof history) => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
    expect(mean(history.slice(-6))).toBeLessThan(0.75 * mean(history.slice(0, 6)));
    expect(base).toEqual(before);
    // Merged, the adapter is a model like any other, which gives what was learned.
    const merged = mergeAdapter(config, lora, base, run.weights);
    const once = { ...options, epochs: 1, learningRate: 1e-30 };
    const still = await train({ config, weights: merged, objective, examples, options: once });
    expect(mean(still.history)).toBeLessThan(0.75 * mean(history.slice(0, 6)));
  });

  it('resumed after an interruption, is the same to the bit, dropout included', async () => {
    const whole = start();
    await train(whole);
    const parts = start();
    let state: TrainingState | undefined;
    const stop = new AbortController();
    const interrupted = train({
      ...parts,
      signal: stop.signal,
      onStep: (record, current) => {
        if (record.step !== 7) return;
        state = current;
        stop.abort();
      },
    });
    await expect(interrupted).rejects.toThrow();
    await train({ ...parts, resume: state! });
    for (const [name, { data }] of Object.entries(whole.weights)) {
      expect(parts.weights[name]!.data, name).toEqual(data);
    }
  });

  it('is another run than one of the whole model, or with another rank', async () => {
    const run = start();
    let state: TrainingState | undefined;
    await train({
      ...run,
      options: { ...options, epochs: 1 },
      onStep: (_, current) => {
        state = current;
      },
    });
    const other = adapterPart(config, { ...lora, alpha: 9 }, base, 3);
    await expect(
      train({ ...start(), part: other, options: { ...options, epochs: 1 }, resume: state! }),
    ).rejects.toMatchObject({ code: 'bad-checkpoint' });
  });

  it('drops in training only where it is asked to', async () => {
    const losses = async (dropout: number, seed: number) => {
      const adaptation = { ...lora, dropout };
      const weights = initAdapter(config, adaptation, base, createRandom(4, 'adapter'));
      // B must not be zero, or the adapter's input would not matter.
      for (const [name, { data }] of Object.entries(weights)) if (name.includes('lora_B')) data.fill(0.2);
      const { history } = await train({
        config,
        weights,
        part: adapterPart(config, adaptation, base, seed),
        objective: pairGeneration,
        examples: examples.map(({ ids }) => ({ ids, lossFrom: 2 })),
        options: { ...options, epochs: 1, learningRate: 1e-30 },
      });
      return history.map(({ loss }) => loss);
    };
    expect(await losses(0, 1)).toEqual(await losses(0, 2));
    const [one, two] = [await losses(0.5, 1), await losses(0.5, 2)];
    expect(one).not.toEqual(two);
    expect(await losses(0.5, 1)).toEqual(one);
  });
});
