import { createRandom } from '@gram/base';
import { int32 } from '@gram/engine';
import { missingRig, openCudaRig, outsideTheDevice, recordPlacements } from '@gram/engine/testing';
import { initWeights, labelLogitsOf, type ModelConfig } from '@gram/model';
import { describe, expect, it } from 'vitest';
import { createForward } from './forward.js';

// Kernels compute nothing on the rig: these tests see who runs an operation, what is copied, and memory.
const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 64,
  hiddenSize: 32,
  intermediateSize: 64,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 256,
  tieWordEmbeddings: true,
};

/** Bytes that the arena may still take after a few runs: its smallest pieces. */
const SLACK = 1 << 16;

describe.skipIf(missingRig)(`scoring on the CUDA rig${missingRig ? ` (${missingRig})` : ''}`, () => {
  const rig = missingRig === undefined ? openCudaRig() : (undefined as never);
  const weights = initWeights(config, createRandom(5, 'weights'));
  const settings = [
    { products: 'float32', precision: 'float32' },
    { products: 'bfloat16', precision: 'float32' },
    { products: 'float16', precision: 'float32' },
    { products: 'float32', precision: 'int8' },
    { products: 'bfloat16', precision: 'int8' },
    { products: 'float32', precision: 'int4' },
  ] as const;

  /** A judge on the device, and its run of a batch of equally long rows. */
  function start(options: (typeof settings)[number]) {
    const read: Parameters<typeof createForward>[2] = (w, states) => labelLogitsOf(config, w, states, [5, 6]);
    const forward = createForward(config, weights, read, { device: 'cuda', ...options });
    const run = (rows: number, length: number) =>
      forward.batch({
        tokens: int32([rows, length], new Int32Array(rows * length).fill(3)),
        last: int32(
          [rows],
          Int32Array.from({ length: rows }, (_, i) => (i + 1) * length - 1),
        ),
      });
    return { forward, run };
  }

  it.each(settings)('stays on the device with $products products and $precision weights', async (options) => {
    const seen = recordPlacements();
    const { forward, run } = start(options);
    const cache = await forward.cache(64);
    const ids = Array.from({ length: 20 }, (_, i) => i);
    for (let i = 0; i < 3; i++) {
      await run(4, 16);
      await forward.extend(ids, 12, cache);
    }
    const batch = await rig.during(() => run(4, 16));
    const extended = await rig.during(() => forward.extend(ids, 12, cache));
    // Memory that leaks grows at each call; the arena may take a piece at any of them.
    const grown = [batch.bytes + extended.bytes];
    for (let i = 0; i < 2; i++) {
      const [again, more] = [
        await rig.during(() => run(4, 16)),
        await rig.during(() => forward.extend(ids, 12, cache)),
      ];
      grown.push(again.bytes + more.bytes);
    }
    seen.stop();
    forward.dispose();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(outsideTheDevice(seen.read())).toEqual([]);
    const clean = { copiesToHost: 1, wrongCopies: 0, mainThreadUploads: 0 };
    expect(Math.min(...grown)).toBeLessThanOrEqual(SLACK);
    expect(batch).toMatchObject({ ...clean, bytesToHost: 4 * 4 * 2 });
    expect(extended).toMatchObject({ ...clean, bytesToHost: 4 * 2 });
  });

  it.each(settings)(
    'takes no more memory over 200 batches than over all shapes, with $products products and $precision weights',
    async (options) => {
      const { forward, run } = start(options);
      const shapes = [4, 1, 7, 2].flatMap((rows) =>
        [24, 40, 64, 16].map((length) => [rows, length] as const),
      );
      for (const [rows, length] of shapes) await run(rows, length);
      const first = rig.counts().bytes;
      for (let i = 0; i < 200; i++) await run(...shapes[(i * 5) % shapes.length]!);
      expect(rig.counts().bytes).toBeLessThanOrEqual(1.05 * first);
      forward.dispose();
    },
  );
});
