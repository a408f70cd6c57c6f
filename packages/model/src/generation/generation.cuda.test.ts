import { createRandom } from '@gram/base';
import { missingRig, openCudaRig, outsideTheDevice, recordPlacements } from '@gram/engine/testing';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../config/model-config.js';
import { initWeights } from '../init.js';
import { createCachedDecoder } from './cached-decoder.js';

// Kernels compute nothing on the rig: these tests see who runs an operation, what is copied, and memory.
const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 64,
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 256,
  tieWordEmbeddings: true,
};

/** Bytes that the arena may still take after a few steps: its smallest pieces. */
const SLACK = 1 << 16;

describe.skipIf(missingRig)(`generation on the CUDA rig${missingRig ? ` (${missingRig})` : ''}`, () => {
  const rig = missingRig === undefined ? openCudaRig() : (undefined as never);

  it.each(['float32', 'bfloat16', 'float16'] as const)(
    'stays on the device in %s, and updates keys and values where they are',
    async (products) => {
      const seen = recordPlacements();
      const weights = initWeights(config, createRandom(5, 'weights'));
      const decoder = createCachedDecoder(config, weights, false, { device: 'cuda', products });
      const rows = 4;
      const capacity = 64;
      const tokens = { dtype: 'int32', shape: [rows, 8], data: new Int32Array(rows * 8).fill(3) } as const;
      const last = new Int32Array(rows).fill(7);
      const prompts = { tokens, last, promptOf: Int32Array.from([0, 1, 2, 3]), capacity };
      const { progress } = await decoder.read(prompts, 'logits');
      const advance = (position: number) => {
        const newest = {
          tokens: new Int32Array(rows).fill(1),
          positions: new Int32Array(rows).fill(position),
        };
        return decoder.advance(progress, newest, 'logits');
      };
      for (let position = 8; position < 12; position++) await advance(position);
      const counts = await rig.during(() => advance(12));
      // Memory that leaks grows at each token; the arena may take a piece at any of them.
      const grown = [counts.bytes];
      for (const position of [13, 14]) grown.push((await rig.during(() => advance(position))).bytes);
      seen.stop();
      decoder.end(progress);
      decoder.dispose();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(outsideTheDevice(seen.read())).toEqual([]);
      expect(counts).toMatchObject({ wrongCopies: 0, mainThreadUploads: 0 });
      expect(Math.min(...grown)).toBeLessThanOrEqual(SLACK);
      // The logits come back, and two numbers of each row; never the cache.
      const cacheBytes =
        4 * 2 * config.numHiddenLayers * rows * config.numKeyValueHeads * capacity * config.headDim;
      expect(counts.bytesToHost).toBeLessThanOrEqual(4 * rows * (config.vocabSize + 2));
      expect(counts.bytesOnDevice).toBeLessThan(cacheBytes / (2 * config.numHiddenLayers));
    },
  );

  it.each(['float32', 'bfloat16', 'float16'] as const)(
    'takes no more memory over 200 batches than over all shapes, in %s',
    async (products) => {
      const decoder = createCachedDecoder(config, initWeights(config, createRandom(5, 'weights')), false, {
        device: 'cuda',
        products,
      });
      const write = async (rows: number, length: number, capacity: number) => {
        const tokens = new Int32Array(rows * length).fill(3);
        const { progress } = await decoder.read(
          {
            tokens: { dtype: 'int32', shape: [rows, length], data: tokens },
            last: Int32Array.from({ length: rows }, (_, i) => (i + 1) * length - 1),
            promptOf: Int32Array.from({ length: rows }, (_, i) => i),
            capacity,
          },
          'logits',
        );
        for (let position = length; position < length + 3; position++) {
          const positions = new Int32Array(rows).fill(position);
          await decoder.advance(progress, { tokens: new Int32Array(rows).fill(1), positions }, 'logits');
        }
        decoder.end(progress);
      };
      const shapes = [4, 1, 7].flatMap((rows) =>
        [8, 24, 16].map((length, i) => [rows, length, [64, 128, 32][i]!] as const),
      );
      for (const shape of shapes) await write(...shape);
      const first = rig.counts().bytes;
      for (let i = 0; i < 200; i++) await write(...shapes[(i * 4) % shapes.length]!);
      expect(rig.counts().bytes).toBeLessThanOrEqual(1.05 * first);
      decoder.dispose();
    },
  );
});
