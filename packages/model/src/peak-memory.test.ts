import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ModelConfig } from './config/model-config.js';
import { saveModel } from './directory/model-directory.js';
import { initWeights } from './init.js';
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

// Counted by `node bench/memory.mjs --model DIRECTORY`, on x64 with AVX2, when the packed form was there.
it.each([
  { precision: 'float32', use: judging, megabytes: 676 },
  { precision: 'int8', use: judging, megabytes: 466 },
  { precision: 'int4', use: judging, megabytes: 427 },
  { precision: 'float32', use: generating, megabytes: 811 },
  { precision: 'int8', use: generating, megabytes: 448 },
  { precision: 'int4', use: generating, megabytes: 397 },
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

/** Opens a model, generates, and prints the peak of the process. There is no tokenizer. */
const CHILD = `
import { readFileSync } from 'node:fs';
import { createGenerator, openModel } from '@gram/model';
const [path, precision] = process.argv.slice(1);
const { config, weights } = await openModel(path, { precision });
const generator = createGenerator({ config, weights });
const ids = Array.from({ length: 256 }, (_, i) => i);
await generator.generate([{ ids, decodings: [{ temperature: 0 }] }], { maxNewTokens: 4, stopIds: [] });
console.log(1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]));
`;

it.skipIf(process.platform !== 'linux')(
  'is within 15 % for a process that generates with a model of 33 million weights',
  { timeout: 240_000 },
  async () => {
    const small = { ...config, vocabSize: 1024, hiddenSize: 512, numHiddenLayers: 8, numAttentionHeads: 8 };
    const model = { ...small, numKeyValueHeads: 8, intermediateSize: 2048 };
    const root = await mkdtemp(join(tmpdir(), 'gram-peak-'));
    try {
      const path = join(root, 'model');
      let at = 0;
      const weights = initWeights(model, { normal: () => Math.sin(at++) });
      await saveModel(path, { config: model, weights });
      for (const precision of ['float32', 'int8'] as const) {
        const args = ['--input-type=module', '-e', CHILD, path, precision];
        const peak = () =>
          Number(
            execFileSync(process.execPath, args, {
              cwd: import.meta.dirname,
              env: { ...process.env, GRAM_CACHE: root },
            }),
          );
        // The first process packs.
        if (precision === 'int8') peak();
        const use = { kind: 'generate', precision, rows: 1, tokens: 260 } as const;
        expectNear(peakMemory(model, use).opened, peak());
      }
    } finally {
      await rm(root, { recursive: true });
    }
  },
);
