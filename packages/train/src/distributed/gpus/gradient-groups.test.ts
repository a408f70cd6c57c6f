import { type ModelConfig, weightShapes } from '@gram/model';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gradientGroupBytes, gradientGroups } from './gradient-groups.js';

const shapes = (...sizes: number[]) =>
  Object.fromEntries(sizes.map((size, i) => [`w${i}`, { shape: [size] }] as const));

it('go from the last weight to the first, each until it has enough bytes', () => {
  expect(gradientGroups(shapes(4, 1, 1, 2, 1), 8)).toEqual([['w4', 'w3'], ['w2', 'w1'], ['w0']]);
  expect(gradientGroups(shapes(1, 1, 1), 100)).toEqual([['w2', 'w1', 'w0']]);
  expect(gradientGroups(shapes(3), 1)).toEqual([['w0']]);
});

it('are no more than 16, however large the weights are', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 10_000 }), (lengths, bytes) => {
      const groups = gradientGroups(shapes(...lengths), bytes);
      expect(groups.length).toBeLessThanOrEqual(16);
      expect(groups.flat()).toEqual(lengths.map((_, i) => `w${i}`).reverse());
      const sizeOfGroup = (names: readonly string[]) =>
        names.reduce((sum, name) => sum + 4 * lengths[Number(name.slice(1))]!, 0);
      for (const group of groups.slice(0, -1)) expect(sizeOfGroup(group)).toBeGreaterThanOrEqual(bytes);
    }),
  );
});

const shared = {
  architecture: 'LlamaForCausalLM' as const,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 2048,
  tieWordEmbeddings: true,
};
const llama3 = { ...shared, vocabSize: 128_256, headDim: 128, numKeyValueHeads: 8 };
const models: [name: string, config: ModelConfig, share: number][] = [
  [
    'SmolLM2-135M',
    {
      ...{ ...shared, vocabSize: 49_152, hiddenSize: 576, intermediateSize: 1536, numHiddenLayers: 30 },
      ...{ numAttentionHeads: 9, numKeyValueHeads: 3, headDim: 64 },
    },
    78,
  ],
  [
    'Llama-3.2-3B',
    {
      ...{ ...llama3, hiddenSize: 3072, intermediateSize: 8192, numHiddenLayers: 28 },
      numAttentionHeads: 24,
    },
    88,
  ],
  [
    'Llama-3.1-8B',
    {
      ...{ ...llama3, hiddenSize: 4096, intermediateSize: 14_336, numHiddenLayers: 32 },
      ...{ numAttentionHeads: 32, tieWordEmbeddings: false },
    },
    88,
  ],
];

it.each(models)('of %s hold the share that can overlap with a backward pass', (_, config, share) => {
  const shapes = Object.entries(weightShapes(config)).map(([name, shape]) => [name, { shape }] as const);
  const groups = gradientGroupBytes(Object.fromEntries(shapes));
  const all = groups.reduce((sum, bytes) => sum + bytes, 0);
  expect(Math.round(100 * (1 - groups.at(-1)! / all))).toBe(share);
});
