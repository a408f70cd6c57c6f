import type { DeviceName } from '@gram/engine';
import { describeOnDevices, deviceStates } from '@gram/engine/testing';
import { describe, expect, it } from 'vitest';
import { config, prompts, stream, weights } from './__fixtures__/tiny-model.js';
import type { Completion, GenerationRequest } from './generation.js';
import { createGenerator, type GeneratorOptions } from './generator.js';

/** Greedy and drawn completions that end at different lengths, so that rows leave the cache on the way. */
const requests = (): GenerationRequest[] =>
  prompts.map((ids, i) => ({
    ids,
    decodings: [{ temperature: 0 }, { temperature: 1, topP: 0.9, random: stream(i) }],
  }));

async function generated(device: DeviceName, more: Partial<GeneratorOptions> = {}): Promise<Completion[]> {
  const generator = createGenerator({ config, weights, device, ...more });
  try {
    // Twice: the second call must not see what the first one left.
    const options = { maxNewTokens: 12, stopIds: [4, 9, 13] };
    const first = await generator.generate(requests(), options);
    expect(await generator.generate(requests(), options)).toEqual(first);
    return first.flat();
  } finally {
    generator.dispose();
  }
}

const expected = await generated('cpu');

describeOnDevices(describe, await deviceStates(), 'generation', (device) => {
  it.each([false, true])('gives the completions of the CPU (fixed weights: %s)', async (fixedWeights) => {
    const found = await generated(device, { fixedWeights });
    expect(new Set(expected.map(({ ids }) => ids.length)).size).toBeGreaterThan(2);
    for (const [i, { ids, logProbabilities, finished }] of expected.entries()) {
      expect(found[i]).toMatchObject({ ids, finished });
      for (const [at, value] of logProbabilities.entries()) {
        expect(found[i]!.logProbabilities[at]).toBeCloseTo(value, 4);
      }
    }
  });

  it('keeps integers there', async () => {
    expect(await generated(device, { precision: 'int8' })).toHaveLength(expected.length);
  });
});
