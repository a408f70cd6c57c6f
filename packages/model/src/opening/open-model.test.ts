import { copyFile, mkdtemp, open, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@gram/base';
import { flattenTree, isNDArray, type NDArray, type QuantizedArrays, read } from '@gram/engine';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../config/parse-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { loadModel, saveModel } from '../directory/model-directory.js';
import { createGenerator } from '../generation/generator.js';
import { initWeights } from '../init.js';
import { quantizeWeights } from '../quantize.js';
import { roundedHeadBytes, weightBytes } from '../weight-bytes.js';
import { arePlain, openModel } from './open-model.js';

/** Large enough that its packed form is kept: the embedding alone has 33 MB. */
const config = parseConfig(
  {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 256,
    intermediate_size: 320,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 33_000,
    tie_word_embeddings: true,
    max_position_embeddings: 128,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
  },
  'config.json',
);

let root: string;
let model: string;
let cache: string;
let weights: Weights;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-open-'));
  model = join(root, 'model');
  weights = initWeights(config, createRandom(1, 'weights'));
  await saveModel(model, { config, weights });
});
beforeEach(async () => {
  cache = await mkdtemp(join(root, 'cache-'));
  vi.stubEnv('GRAM_CACHE', cache);
  return () => vi.unstubAllEnvs();
});
afterAll(() => rm(root, { recursive: true }));

/** The packed files in the cache, with the times of their last change. */
async function packedFiles(): Promise<[path: string, changed: number][]> {
  const folder = join(cache, 'packed');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const paths = names.filter((name) => name.endsWith('.safetensors')).map((name) => join(folder, name));
  return Promise.all(
    paths.map(async (path) => [path, (await stat(path)).mtimeMs] as [path: string, changed: number]),
  );
}

/** Expects two trees of arrays to be equal, as bytes: a comparison number by number takes minutes. */
function expectSame(found: unknown, expected: unknown): void {
  const [a, b] = [found, expected].map((tree) => flattenTree(tree, isNDArray)) as [Leaves, Leaves];
  expect([...a.keys()].sort()).toEqual([...b.keys()].sort());
  for (const [path, { dtype, shape, data }] of a) {
    const other = b.get(path)!;
    expect([path, dtype, ...shape]).toEqual([path, other.dtype, ...other.shape]);
    expect(bytesOf(data).equals(bytesOf(other.data)), path).toBe(true);
  }
}

type Leaves = Map<string, NDArray>;
const bytesOf = ({ buffer, byteOffset, byteLength }: NDArray['data']) =>
  Buffer.from(buffer, byteOffset, byteLength);

async function answer(opened: Parameters<typeof createGenerator>[0]): Promise<readonly number[]> {
  const generator = createGenerator(opened);
  const requests = [{ ids: [5, 9, 200, 31_000], decodings: [{ temperature: 0 }] }];
  const [[completion] = []] = await generator.generate(requests, { maxNewTokens: 8, stopIds: [] });
  generator.dispose();
  return [...(completion?.ids ?? []), ...(completion?.logProbabilities ?? [])];
}

describe('openModel', () => {
  it.each(['float32', 'int8'] as const)(
    'refuses in %s what this process cannot hold, before values are read',
    async (precision) => {
      const bound = vi.spyOn(process, 'constrainedMemory').mockReturnValue(1000);
      const opening = openModel(model, { precision });
      await expect(opening).rejects.toMatchObject({
        code: 'out-of-memory',
        message: expect.stringMatching(
          /^opening .*model in (float32|int8) takes about .* and the container or job has/,
        ),
      });
      bound.mockRestore();
      // A value that was read would have left a mark that the file was checked.
      expect(await readdir(cache)).toEqual([]);
    },
  );
});

describe('openModel in float32', () => {
  it('leaves the weights in their file, and computes the same', async () => {
    const opened = await openModel(model);
    expect(arePlain(opened.weights)).toBe(false);
    expectSame(await read(opened.weights), weights);
    expect(await answer(opened)).toEqual(await answer({ config, weights, fixedWeights: true }));
    expect(await packedFiles()).toEqual([]);
  });

  it('remembers that the values of a file are finite, until it is changed', async () => {
    const changed = join(root, 'checked');
    await saveModel(changed, { config, weights });
    await openModel(changed);
    const markers = await readdir(join(cache, 'packed'), { recursive: true });
    expect(markers.filter((name) => name.endsWith('finite'))).toHaveLength(1);
    const file = join(changed, 'model.safetensors');
    const { size } = await stat(file);
    const handle = await open(file, 'r+');
    await handle.write(new Uint8Array(4).fill(0xff), 0, 4, size - 4);
    await handle.close();
    await expect(openModel(changed)).rejects.toMatchObject({ code: 'bad-weights' });
    // Each process checks the file where no result of a check can be kept.
    await rm(join(cache, 'packed'), { recursive: true });
    await writeFile(join(cache, 'packed'), '');
    expect(arePlain((await openModel(model)).weights)).toBe(false);
  });

  it('widens half precision once, into a file', async () => {
    const half = join(root, 'half');
    await saveModel(half, { config, weights }, { dtype: 'bfloat16' });
    const expected = (await loadModel(half)).weights;
    for (const _ of [1, 2]) {
      const opened = await openModel(half);
      expect(arePlain(opened.weights)).toBe(false);
      expectSame(await read(opened.weights), expected);
    }
    expect(await packedFiles()).toHaveLength(1);
  });

  it('reads small models of other types into memory', async () => {
    const gguf = fixture('qwen3');
    expectSame((await openModel(gguf)).weights, (await loadModel(gguf)).weights);
    expect(await packedFiles()).toEqual([]);
  });

  it('refuses a value that is not finite', async () => {
    const bad = join(root, 'bad');
    const last = weights['model.norm.weight']!;
    const norm = { ...last, data: last.data.map((value, i) => (i === 7 ? Number.NaN : value)) };
    await saveModel(bad, { config, weights: { ...weights, 'model.norm.weight': norm } });
    for (const precision of ['float32', 'int8'] as const) {
      await expect(openModel(bad, { precision })).rejects.toMatchObject({
        code: 'bad-weights',
        message: expect.stringContaining('model.norm.weight'),
      });
    }
    expect(await packedFiles()).toEqual([]);
  });
});

describe.each(['int8', 'int4'] as const)('openModel in %s', (precision) => {
  it('packs what quantizeWeights makes, once', async () => {
    const opened = await openModel(model, { precision });
    expectSame(await read(opened.weights), quantizeWeights(weights, precision));
    const [[path, changed] = ['', 0], ...others] = await packedFiles();
    expect(others).toEqual([]);
    expect((await stat(path)).size).toBeLessThan(
      weightBytes(config, precision) + roundedHeadBytes(config) + 20_000,
    );
    const again = await openModel(model, { precision });
    expect(await packedFiles()).toEqual([[path, changed]]);
    expect(await answer(again)).toEqual(await answer({ config, weights, precision }));
  });

  it('packs again what was changed, and keeps what was packed before', async () => {
    const changed = join(root, `changed-${precision}`);
    await saveModel(changed, { config, weights });
    await openModel(changed, { precision });
    const twice = { ...weights, 'model.norm.weight': weights['model.layers.0.input_layernorm.weight']! };
    await saveModel(changed, { config, weights: twice });
    const opened = await openModel(changed, { precision });
    expectSame(await read(opened.weights), quantizeWeights(twice, precision));
    expect(await packedFiles()).toHaveLength(2);
  });

  it('removes what was not used for 30 days', async () => {
    await openModel(model, { precision });
    const [[path] = ['']] = await packedFiles();
    const longAgo = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
    await utimes(join(path, '..'), longAgo, longAgo);
    // Opening it counts as use.
    await openModel(model, { precision });
    expect(await packedFiles()).toHaveLength(1);
    await utimes(join(path, '..'), longAgo, longAgo);
    await openModel(model, { precision: precision === 'int8' ? 'int4' : 'int8' });
    expect((await packedFiles()).map(([other]) => other)).not.toContain(path);
  });

  it('refuses a packed file that is damaged', async () => {
    await openModel(model, { precision });
    const [[path] = ['']] = await packedFiles();
    await truncate(path, (await stat(path)).size - 4);
    await expect(openModel(model, { precision })).rejects.toMatchObject({ code: 'bad-safetensors' });
    await copyFile(join(model, 'model.safetensors'), path);
    await expect(openModel(model, { precision })).rejects.toMatchObject({ code: 'bad-weights' });
  });

  it('packs in memory where nothing can be written, and says so', async () => {
    await writeFile(join(cache, 'packed'), '');
    const notes: string[] = [];
    const opened = await openModel(model, { precision, onNote: (note) => notes.push(note) });
    expect(notes).toEqual([expect.stringContaining('packed in memory')]);
    expectSame(opened.weights, quantizeWeights(weights, precision));
  });
});

const fixture = (name: string) =>
  fileURLToPath(new URL(`../gguf/__fixtures__/${name}.gguf`, import.meta.url));

describe('a GGUF file in int4', () => {
  /** The numbers that a 4-bit matrix stands for. */
  function unpacked(matrix: QuantizedArrays): number[] {
    const { packed, scales } = matrix as { packed: NDArray<'uint8'>; scales: NDArray<'float32'> };
    const integers = Array.from(packed.data).flatMap((byte) => [(byte & 15) - 8, (byte >> 4) - 8]);
    return integers.map((integer, i) => Math.fround(integer * scales.data[Math.floor(i / 32)]!));
  }

  // The float32 values of this file are those of Python's gguf, see load-gguf.test.ts.
  it('takes blocks of Q4_0 as they are, with the rows of heads in order', async () => {
    const exact = await loadModel(fixture('llama'));
    const opened = await openModel(fixture('llama'), { precision: 'int4' });
    const name = 'model.layers.0.self_attn.q_proj.weight';
    expect(unpacked(opened.weights[name] as QuantizedArrays)).toEqual([...exact.weights[name]!.data]);
    const rounded = quantizeWeights(exact.weights, 'int4');
    // Other types are rounded.
    const other = 'model.layers.0.self_attn.k_proj.weight';
    expect(opened.weights[other]).toEqual(rounded[other]);
  });
});
