import { createRandom } from '@gram/base';
import { maxRelativeDifference } from '@gram/engine/testing';
import { copyWeights, initAdapter, initWeights, type LoraConfig, type ModelConfig } from '@gram/model';
import { describe, expect, it } from 'vitest';
import { tinyModel } from './__fixtures__/tiny-model.js';
import type { GenerationExample, PreferenceExample } from './examples/kinds.js';
import { preference } from './objectives/preference.js';
import { pairGeneration } from './objectives/token-generation.js';
import { adapterPart } from './parts/trained-part.js';
import { type TrainRun, train } from './trainer.js';

const config: ModelConfig = { ...tinyModel, numHiddenLayers: 3 };
const random = createRandom(1, 'examples');
const ids = () => Array.from({ length: 6 + random.integer(20) }, () => random.integer(20));
const pairs = Array.from({ length: 16 }, (): PreferenceExample => ({ ids: ids(), label: 0 }));
const texts = Array.from({ length: 16 }, (): GenerationExample => ({ ids: ids(), lossFrom: 3 }));
const base = initWeights(config, createRandom(2, 'weights'), 0.2);
const lora: LoraConfig = { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'], dropout: 0.2 };
const options = { learningRate: 1e-2, batchSize: 8, microBatchSize: 4, epochs: 2 };

const runs: Record<string, () => TrainRun<never>> = {
  'all weights on pairs': () =>
    ({
      config,
      weights: copyWeights(base),
      objective: preference({ labels: [0, 1] }),
      examples: pairs,
      options,
    }) as never,
  'all weights on texts': () =>
    ({ config, weights: copyWeights(base), objective: pairGeneration, examples: texts, options }) as never,
  'an adapter with dropout': () =>
    ({
      config,
      weights: initAdapter(config, lora, base, createRandom(3, 'adapter')),
      part: adapterPart(config, lora, base),
      objective: pairGeneration,
      examples: texts,
      options,
    }) as never,
};

describe('gradient checkpointing', () => {
  it.each(Object.keys(runs))('changes nothing of what is learned: %s', async (name) => {
    const [plain, checkpointed] = [runs[name]!(), { ...runs[name]!(), gradientCheckpointing: true }];
    const [expected, found] = [await train(plain), await train(checkpointed)];
    for (const [i, { loss, gradientNorm }] of expected.history.entries()) {
      expect(Math.abs(found.history[i]!.loss - loss)).toBeLessThan(1e-5);
      expect(Math.abs(found.history[i]!.gradientNorm / gradientNorm - 1)).toBeLessThan(1e-4);
    }
    expect(maxRelativeDifference(checkpointed.weights, plain.weights, 0.1)).toBeLessThan(1e-3);
  });
});
