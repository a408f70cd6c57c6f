import { expect, it } from 'vitest';
import type { ModelConfig } from './config/model-config.js';
import { peakMemory } from './peak-memory.js';

// SmolLM2-135M.
const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 49_152,
  hiddenSize: 576,
  intermediateSize: 1536,
  numHiddenLayers: 30,
  numAttentionHeads: 9,
  numKeyValueHeads: 3,
  headDim: 64,
  rmsNormEps: 1e-5,
  ropeTheta: 100_000,
  maxPositionEmbeddings: 8192,
  tieWordEmbeddings: true,
};
const judging = { kind: 'judge', rows: 2, tokens: 700 } as const;
const generating = { kind: 'generate', rows: 1, tokens: 528 } as const;

/** Checks that an estimate is within 15 % of what the kernel counted. */
function expectNear(estimate: number, counted: number): void {
  expect(estimate / counted).toBeGreaterThan(0.85);
  expect(estimate / counted).toBeLessThan(1.15);
}

// Counted by `node bench/memory.mjs --model DIRECTORY`, on x64 with AVX-512, when the packed form was there.
it.each([
  { precision: 'float32', use: judging, megabytes: 657 },
  { precision: 'int8', use: judging, megabytes: 345 },
  { precision: 'int4', use: judging, megabytes: 333 },
  { precision: 'float32', use: generating, megabytes: 793 },
  { precision: 'int8', use: generating, megabytes: 371 },
  { precision: 'int4', use: generating, megabytes: 348 },
] as const)('is within 15 % for SmolLM2-135M: $use.kind in $precision', ({ precision, use, megabytes }) => {
  expectNear(peakMemory(config, { ...use, precision }).opened, 1e6 * megabytes);
});

it('counts the embedding and the head while integers are packed', () => {
  const { opened, packing } = peakMemory(config, { ...judging, precision: 'int4' });
  const large = { ...config, vocabSize: 4 * config.vocabSize };
  expect(packing).toBeGreaterThanOrEqual(opened);
  const more = peakMemory(large, { ...judging, precision: 'int4' }).packing - packing;
  expect(more).toBeGreaterThan(3 * 4 * config.vocabSize * config.hiddenSize);
  const { packing: mapped, opened: same } = peakMemory(large, { ...judging, precision: 'float32' });
  expect(mapped).toBe(same);
});
