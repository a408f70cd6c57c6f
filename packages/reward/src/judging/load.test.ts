import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceName } from '@gram/engine';
import { openModel, saveModel } from '@gram/model';
import { afterAll, expect, it } from 'vitest';
import {
  tinyConfig,
  tinyEncoder,
  tinyTokenizer,
  tinyWeights,
  unequalItems,
} from '../__fixtures__/tiny-model.js';
import { createDiscriminativeRewardModel } from './discriminative.js';
import { createGenerativeRewardModel } from './generative.js';
import { loadRewardModel } from './load.js';

const root = await mkdtemp(join(tmpdir(), 'gram-reward-'));
afterAll(() => rm(root, { recursive: true }));

const architectures = {
  generative: 'LlamaForCausalLM',
  discriminative: 'LlamaForSequenceClassification',
  policy: 'LlamaForCausalLM',
  value: 'LlamaForSequenceClassification',
} as const;

async function saved(
  name: string,
  kind: 'generative' | 'discriminative',
  metadata: { judgePrompt?: string; chat?: string; maxLength?: number } = {},
  shape: { intermediateSize?: number } = {},
) {
  const dir = join(root, name);
  const config = { ...tinyConfig(architectures[kind]), ...shape };
  const weights = tinyWeights(config);
  await saveModel(dir, {
    config,
    weights,
    gram: {
      format: 1,
      kind,
      judgePrompt: 'gram-compact-1',
      chat: 'gram-plain-1',
      maxLength: 200,
      ...metadata,
    },
    tokenizerJson: tinyTokenizer.json,
  });
  return { dir, config, weights };
}

it.each(['generative', 'discriminative'] as const)('loads a %s model that judges as before', async (kind) => {
  const { dir, config, weights } = await saved(kind, kind);
  const create = kind === 'generative' ? createGenerativeRewardModel : createDiscriminativeRewardModel;
  const before = create({ config, weights, encoder: await tinyEncoder() });
  const after = await loadRewardModel(dir);
  expect(after.kind).toBe(kind);
  expect(await after.compare(unequalItems)).toEqual(await before.compare(unequalItems));
  before.dispose();
  after.dispose();
});

it.each(['float32', 'int4'] as const)('judges in %s without packing float32 first', async (precision) => {
  const { dir } = await saved(`not packed ${precision}`, 'generative', {}, { intermediateSize: 64 });
  const packed = await loadRewardModel(dir, { precision });
  const asStored = await loadRewardModel(dir, { precision, prepack: false });
  const expected = await packed.compare(unequalItems);
  for (const [i, { probability }] of (await asStored.compare(unequalItems)).entries()) {
    if (precision === 'float32') expect(probability).toBeCloseTo(expected[i]!.probability, 5);
    else expect(probability).toBe(expected[i]!.probability);
  }
  packed.dispose();
  asStored.dispose();
});

it.each([true, false])('packs float32 weights or reads them where they are (%s)', async (prepack) => {
  const { dir, config, weights: plain } = await saved(`in place ${prepack}`, 'generative');
  const opened = await openModel(dir);
  // The other weights stay in their file. One that is in memory can be changed, which is seen only where it was not packed.
  const name = 'model.layers.0.mlp.down_proj.weight';
  const matrix = plain[name]!;
  const weights = { ...opened.weights, [name]: matrix };
  const model = createGenerativeRewardModel({ config, weights, encoder: await tinyEncoder(), prepack });
  for (const items of [unequalItems, unequalItems.slice(3, 4)]) {
    const before = await model.compare(items);
    const values = matrix.data.slice();
    matrix.data.fill(0);
    const after = await model.compare(items);
    matrix.data.set(values);
    const isSame = after.every(({ probability }, i) => probability === before[i]!.probability);
    expect(isSame).toBe(prepack);
  }
  model.dispose();
});

it('refuses a device before it reads weights', async () => {
  const { dir } = await saved('no device', 'generative');
  await rm(join(dir, 'model.safetensors'));
  const device = 'abacus' as DeviceName;
  await expect(loadRewardModel(dir, { device })).rejects.toMatchObject({ code: 'unknown-device' });
});

it('judges as it is told to', async () => {
  const { dir } = await saved('told', 'generative');
  const both = await loadRewardModel(dir, { device: 'auto' });
  const one = await loadRewardModel(dir, { orders: 1 });
  const bounded = await loadRewardModel(dir, { positionBiasBound: 1 });
  const expected = await both.compare(unequalItems);
  for (const [i, { probability, orders }] of (await one.compare(unequalItems)).entries()) {
    expect(orders).toBeUndefined();
    expect(probability).toBeCloseTo(expected[i]!.orders![0], 4);
  }
  for (const [i, { probability }] of (await bounded.compare(unequalItems)).entries()) {
    expect(probability).toBeCloseTo(expected[i]!.probability, 4);
  }
  for (const model of [both, one, bounded]) model.dispose();
  await expect(loadRewardModel(dir, { orders: 3 as 2 })).rejects.toMatchObject({ code: 'bad-option' });
  await expect(loadRewardModel(dir, { positionBiasBound: 2 })).rejects.toMatchObject({ code: 'bad-option' });
});

it('obeys the length of the model and what to do with longer items', async () => {
  const { dir } = await saved('short', 'generative', { maxLength: 60 });
  const items = [{ id: 'long', prompt: 'x', a: 'and '.repeat(60), b: 'y' }];
  await expect((await loadRewardModel(dir)).compare(items)).rejects.toThrow('long');
  const [result] = await (await loadRewardModel(dir, { overlong: 'truncate' })).compare(items);
  expect(result!.truncated).toBe(true);
});

it('refuses a plain language model, with a hint', async () => {
  const { dir } = await saved('plain', 'generative');
  await rm(join(dir, 'gram.json'));
  await expect(loadRewardModel(dir)).rejects.toMatchObject({
    name: 'RewardError',
    code: 'no-judge-prompt',
    hint: expect.stringContaining('judgePrompt'),
  });
});

it.each(['policy', 'value'] as const)('refuses a %s model, with a hint', async (kind) => {
  const dir = join(root, kind);
  const config = tinyConfig(architectures[kind]);
  await saveModel(dir, {
    config,
    weights: tinyWeights(config),
    gram: { format: 1, kind, chat: 'gram-plain-1', maxLength: 200 },
    tokenizerJson: tinyTokenizer.json,
  });
  await expect(loadRewardModel(dir)).rejects.toMatchObject({
    name: 'RewardError',
    code: 'not-a-reward-model',
    message: expect.stringContaining(`${dir} holds a ${kind} model`),
    hint: expect.stringContaining('reward model'),
  });
});

it('refuses a layout that it does not know', async () => {
  const { dir } = await saved('layout', 'generative', { chat: 'other-2' });
  await expect(loadRewardModel(dir)).rejects.toMatchObject({ code: 'unknown-layout' });
  const { dir: second } = await saved('prompt', 'generative', { judgePrompt: 'other-3' });
  await expect(loadRewardModel(second)).rejects.toMatchObject({ code: 'unknown-prompt' });
});

it('refuses a tokenizer with more tokens than the model', async () => {
  const dir = join(root, 'tokenizer');
  const config = { ...tinyConfig('LlamaForCausalLM'), vocabSize: 200 };
  await saveModel(dir, {
    config,
    weights: tinyWeights(config),
    gram: {
      format: 1,
      kind: 'generative',
      judgePrompt: 'gram-compact-1',
      chat: 'gram-plain-1',
      maxLength: 200,
    },
    tokenizerJson: tinyTokenizer.json,
  });
  await expect(loadRewardModel(dir)).rejects.toMatchObject({ code: 'model-mismatch' });
});
