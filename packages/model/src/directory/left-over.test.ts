import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configToJson } from '../config/config-json.js';
import type { ModelConfig } from '../config/model-config.js';
import { weightShapes } from '../config/weight-shapes.js';
import { inspectModel } from '../inspect.js';
import { loadModel } from './model-directory.js';

const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 5,
  hiddenSize: 4,
  intermediateSize: 6,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 2,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 32,
  tieWordEmbeddings: false,
};
const scorer: ModelConfig = { ...config, architecture: 'LlamaForSequenceClassification' };

let dir: string;
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'gram-left-over-')), 'model');
  await mkdir(dir);
});
afterEach(() => rm(join(dir, '..'), { recursive: true }));

interface Stored {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}
const SIZES: Record<string, number> = { F32: 4, F16: 2, BF16: 2, I64: 8, U8: 1 };

/** A tensor of ones, or of what `bits` puts at its third place, in the form of the element type. */
function tensor(dtype: string, shape: readonly number[], bits?: number): Stored {
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = Buffer.alloc(count * (SIZES[dtype] ?? 1));
  for (let i = 0; i < count; i++) {
    const value = i === 2 ? bits : undefined;
    if (dtype === 'F32') bytes.writeUInt32LE(value ?? 0x3f800000, 4 * i);
    if (dtype === 'F16') bytes.writeUInt16LE(value ?? 0x3c00, 2 * i);
    if (dtype === 'BF16') bytes.writeUInt16LE(value ?? 0x3f80, 2 * i);
  }
  return { dtype, shape, bytes };
}

/** A model directory as another program may have written it. */
async function write(of: ModelConfig, dtype: string, more: Record<string, Stored> = {}): Promise<void> {
  const own = Object.entries(weightShapes(of)).map(([name, shape]) => [name, tensor(dtype, shape)] as const);
  const all = Object.entries({ ...Object.fromEntries(own), ...more });
  let position = 0;
  const header = all.map(([name, { dtype: type, shape, bytes }]) => {
    const start = position;
    position += bytes.length;
    return [name, { dtype: type, shape, data_offsets: [start, position] }];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(
    join(dir, 'model.safetensors'),
    Buffer.concat([length, text, ...all.map(([, { bytes }]) => bytes)]),
  );
  await writeFile(join(dir, 'config.json'), JSON.stringify(configToJson(of)));
}

describe('what others leave in their files', () => {
  const buffers = {
    'model.layers.0.self_attn.rotary_emb.inv_freq': tensor('F32', [1]),
    'model.layers.0.self_attn.masked_bias': tensor('F32', []),
    'model.layers.0.self_attn.mask': tensor('U8', [1, 1, 4, 4]),
    'model.position_ids': tensor('I64', [1, 32]),
  };

  it('is ignored and named: buffers that are computed again, and integers', async () => {
    await write(config, 'F32', buffers);
    const { weights, ignored } = await loadModel(dir);
    expect(ignored).toEqual(Object.keys(buffers));
    expect(Object.keys(weights)).toEqual(Object.keys(weightShapes(config)));
    expect((await inspectModel(dir)).ignored).toEqual(ignored);
  });

  it('is ignored and named: heads of an earlier use', async () => {
    await write(scorer, 'BF16', { 'lm_head.weight': tensor('BF16', [5, 4]) });
    expect((await loadModel(dir)).ignored).toEqual(['lm_head.weight']);
    const valueHead = {
      'v_head.summary.weight': tensor('F32', [1, 4]),
      'v_head.summary.bias': tensor('F32', [1]),
    };
    await write(config, 'F32', valueHead);
    expect((await loadModel(dir)).ignored).toEqual(Object.keys(valueHead));
  });

  it('is refused where it may have a meaning', async () => {
    for (const name of ['score.weight', 'model.layers.0.self_attn.q_proj.bias', 'model.layers.1.mlp.x']) {
      await write(config, 'F32', { [name]: tensor('F32', [1, 4]) });
      await expect(loadModel(dir)).rejects.toThrow(`1 unexpected ("${name}")`);
    }
    await write(config, 'F32', { 'model.norm.weight': tensor('U8', [4]) });
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'unsupported-dtype',
      message: expect.stringContaining('"model.norm.weight" has the element type "U8"'),
    });
  });
});

describe.each([
  ['F32', [0x7f800000, 0xff800000, 0x7fc00000]],
  ['BF16', [0x7f80, 0xff80, 0x7fc0]],
  ['F16', [0x7c00, 0xfc00, 0x7e00]],
] as const)('weights of type %s', (dtype, broken) => {
  it('are refused by name where they are not finite', async () => {
    for (const bits of broken) {
      for (const name of ['model.norm.weight', 'model.embed_tokens.weight', 'lm_head.weight']) {
        const shape = weightShapes(config)[name]!;
        await write(config, dtype, { [name]: tensor(dtype, shape, bits) });
        await expect(loadModel(dir)).rejects.toMatchObject({
          code: 'bad-weights',
          message: expect.stringContaining(`tensor "${name}" holds a value that is not finite`),
        });
      }
    }
    await write(config, dtype);
    expect((await loadModel(dir)).ignored).toEqual([]);
  });
});
