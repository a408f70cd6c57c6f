import { createRandom } from '@gram/base';
import type { DeviceName } from '@gram/engine';
import { describeOnDevices, deviceStates } from '@gram/engine/testing';
import { labelLogitsOf, type WeightPrecision } from '@gram/model';
import type { RewardModel } from '@gram/ranking';
import { describe, expect, it } from 'vitest';
import { tinyConfig, tinyEncoder, tinyWeights, unequalItems } from './__fixtures__/tiny-model.js';
import { createDiscriminativeRewardModel } from './judging/discriminative.js';
import { createGenerativeRewardModel } from './judging/generative.js';
import { createForward } from './sequences/forward.js';
import { createNumberCache } from './sequences/number-cache.js';
import { runSequences } from './sequences/run-sequences.js';

const generative = tinyConfig('LlamaForCausalLM');
const discriminative = tinyConfig('LlamaForSequenceClassification');
const weights = tinyWeights(generative);
const scoring = tinyWeights(discriminative);
const encoder = await tinyEncoder();

async function probabilities(model: RewardModel): Promise<number[]> {
  try {
    const results = await model.compare(unequalItems);
    return results.flatMap(({ probability, orders = [] }) => [probability, ...orders]);
  } finally {
    model.dispose();
  }
}

const judge = (device: DeviceName, precision?: WeightPrecision) =>
  probabilities(createGenerativeRewardModel({ config: generative, weights, encoder, device, precision }));

const expected = {
  generative: await judge('cpu'),
  discriminative: await probabilities(
    createDiscriminativeRewardModel({ config: discriminative, weights: scoring, encoder }),
  ),
};

function expectClose(found: readonly number[], wanted: readonly number[], tolerance: number) {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(tolerance);
}

describeOnDevices(describe, await deviceStates(), 'judging', (device) => {
  it('gives the probabilities of the CPU', async () => {
    expectClose(await judge(device), expected.generative, 1e-4);
    const options = { config: discriminative, weights: scoring, encoder, device };
    expectClose(await probabilities(createDiscriminativeRewardModel(options)), expected.discriminative, 1e-4);
  });

  it('gives about the same with integers', async () => {
    expectClose(await judge(device, 'int8'), expected.generative, 0.1);
  });

  it('gives the same over a cache that stays on the device', async () => {
    const random = createRandom(5, 'sequences');
    const ids = (length: number) => Array.from({ length }, () => random.integer(generative.vocabSize));
    const beginning = ids(40);
    const sequences = [3, 17, 1, 9].map((length) => [...beginning, ...ids(length)]);
    const forward = createForward(
      generative,
      weights,
      (w, states) => labelLogitsOf(generative, w, states, [5, 9]),
      { device },
    );
    const run = (runCost: number) =>
      runSequences(sequences, { ...forward, runCost }, { batchTokens: 512, cache: createNumberCache(0) }, {});
    const [apart, together] = [(await run(1)).flat(), (await run(1e9)).flat()];
    forward.dispose();
    const size = Math.max(...together.map(Math.abs));
    expectClose(apart, together, 1e-4 * size);
  });
});
