import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveModel } from '@gram/model';
import { afterAll, expect, it } from 'vitest';
import {
  tinyConfig,
  tinyEncoder,
  tinyTokenizer,
  tinyWeights,
  unequalItems,
} from './__fixtures__/tiny-model.js';
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
) {
  const dir = join(root, name);
  const config = tinyConfig(architectures[kind]);
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
