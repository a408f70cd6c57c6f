import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkReplaceable } from '@gram/base';
import { float32 } from '@gram/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configToJson } from '../config/config-json.js';
import type { ModelConfig } from '../config/model-config.js';
import { parameterCount, type Weights } from '../config/weight-shapes.js';
import { initWeights } from '../init.js';
import { writeSafetensors } from '../safetensors/write.js';
import { readCompanions } from './companions.js';
import type { GramMetadata } from './gram-metadata.js';
import { loadModel, MODEL_FILES, saveModel } from './model-directory.js';

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
  bosTokenId: 1,
  eosTokenId: [2, 4],
};
const gram: GramMetadata = {
  format: 1,
  kind: 'generative',
  judgePrompt: 'gram-v1',
  chat: 'plain',
  maxLength: 32,
  training: { seed: 3, stages: ['pretrain', { steps: 10 }] },
};
const policy: GramMetadata = { format: 1, kind: 'policy', chat: 'plain', maxLength: 32 };
const tokenizerJson = JSON.stringify({
  added_tokens: [{ id: 1, content: '<s>', special: true }],
  model: { type: 'BPE', vocab: { a: 0, '<unused>': 1, b: 2, c: 3, d: 4 }, merges: [] },
});

let count = 0;
const weights = initWeights(config, { normal: () => count++ });

let root: string;
let dir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-model-'));
  dir = join(root, 'model');
});
afterEach(() => rm(root, { recursive: true }));

const readJson = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(join(dir, name), 'utf8'));

/** A directory as another program may have written it. */
async function directory(of: Partial<ModelConfig>, files: Record<string, Weights | string>): Promise<void> {
  await mkdir(dir);
  await writeFile(join(dir, 'config.json'), JSON.stringify(configToJson({ ...config, ...of })));
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    await (typeof content === 'string' ? writeFile(path, content) : writeSafetensors(path, content));
  }
}

function without(name: string): Weights {
  const { [name]: _, ...rest } = weights;
  return rest;
}

describe('saveModel', () => {
  it('is loaded back exactly', async () => {
    await saveModel(dir, { config, weights, gram, tokenizerJson });
    const loaded = await loadModel(dir);
    expect(loaded.config).toEqual(config);
    expect(loaded.gram).toEqual(gram);
    expect(Object.keys(loaded.weights)).toEqual(Object.keys(weights));
    expect({ ...loaded.weights }).toEqual(weights);
    expect((await readdir(dir)).toSorted()).toEqual([
      'config.json',
      'generation_config.json',
      'gram.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    await checkReplaceable(dir, MODEL_FILES);
    expect(await readdir(root)).toEqual(['model']);
  });

  it('writes shards with an index, rounded to bfloat16', async () => {
    await saveModel(dir, { config, weights, gram }, { dtype: 'bfloat16', maxShardBytes: 100 });
    const names = (await readdir(dir)).filter((name) => name.startsWith('model')).toSorted();
    expect(names.length).toBeGreaterThan(3);
    const index = (await readJson('model.safetensors.index.json')) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    expect(index.metadata.total_size).toBe(2 * parameterCount(config));
    expect([...new Set(Object.values(index.weight_map)), 'model.safetensors.index.json'].toSorted()).toEqual(
      names,
    );
    expect(names[0]).toMatch(/^model-00001-of-0000\d\.safetensors$/);
    expect(await readJson('config.json')).toMatchObject({ torch_dtype: 'bfloat16' });
    const loaded = await loadModel(dir);
    for (const [name, { data }] of Object.entries(weights)) {
      // Eight bits of precision: an error of half of the last one at most.
      for (const [i, value] of loaded.weights[name]!.data.entries()) {
        expect(Math.abs(value - data[i]!)).toBeLessThanOrEqual(Math.abs(data[i]!) / 256);
      }
    }
    // Another number of shards takes the place of all of these.
    await saveModel(dir, { config, weights, gram });
    expect((await readdir(dir)).filter((name) => name.startsWith('model'))).toEqual(['model.safetensors']);
  });

  it('keeps the files of the model that it was made from', async () => {
    await directory({}, { 'model.safetensors': weights, 'tokenizer.json': tokenizerJson });
    const companions = {
      tokenizerConfigJson: '{"tokenizer_class":"Other"}',
      generationConfigJson: '{"temperature":0.6}',
      chatTemplate: '{{ messages }}\n',
    };
    await writeFile(join(dir, 'tokenizer_config.json'), companions.tokenizerConfigJson);
    await writeFile(join(dir, 'generation_config.json'), companions.generationConfigJson);
    await writeFile(join(dir, 'chat_template.jinja'), companions.chatTemplate);
    const read = await readCompanions(dir);
    expect(read).toEqual({ tokenizerJson, ...companions });
    const copy = join(root, 'copy');
    await saveModel(copy, { config, weights, ...read });
    // A token that the tokenizer does not know matters only for the file that would be made from it.
    const small = JSON.stringify({ model: { type: 'BPE', vocab: { a: 0 }, merges: [] } });
    await saveModel(join(root, 'small'), { config, weights, ...read, tokenizerJson: small });
    await expect(
      saveModel(join(root, 'none'), { config, weights, tokenizerJson: small }),
    ).rejects.toMatchObject({
      code: 'bad-tokenizer',
    });
    expect(await readCompanions(copy)).toEqual(read);
    expect((await loadModel(copy)).gram).toBeUndefined();
  });

  it('keeps a policy and a value model, which have no judge prompt', async () => {
    await saveModel(dir, { config, weights, gram: policy });
    expect((await loadModel(dir)).gram).toEqual(policy);
    const { 'lm_head.weight': _, ...body } = weights;
    await saveModel(dir, {
      config: { ...config, architecture: 'LlamaForSequenceClassification' },
      weights: { ...body, 'score.weight': float32([1, 4], [1, 2, 3, 4]) },
      gram: { ...policy, kind: 'value' },
    });
    expect(await readJson('gram.json')).toEqual({ ...policy, kind: 'value' });
    expect((await loadModel(dir)).gram?.kind).toBe('value');
  });

  it('writes what AutoTokenizer needs', async () => {
    await saveModel(dir, { config, weights, gram, tokenizerJson });
    expect(await readFile(join(dir, 'tokenizer.json'), 'utf8')).toBe(tokenizerJson);
    expect(await readJson('tokenizer_config.json')).toEqual({
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: 32,
      model_input_names: ['input_ids', 'attention_mask'],
      clean_up_tokenization_spaces: false,
      bos_token: '<s>',
      eos_token: 'b',
    });
  });

  it('replaces a saved model, but not a folder with other files', async () => {
    await saveModel(dir, { config, weights, gram, tokenizerJson });
    await saveModel(dir, { config, weights, gram: { ...gram, maxLength: 16 } });
    expect((await loadModel(dir)).gram?.maxLength).toBe(16);
    expect(await readdir(dir)).not.toContain('tokenizer.json');
    await writeFile(join(dir, 'notes.txt'), '');
    await expect(saveModel(dir, { config, weights, gram })).rejects.toMatchObject({
      code: 'not-replaceable',
    });
  });

  it.each([
    ['weights of another model', { weights: without('model.norm.weight') }, 'bad-weights'],
    ['a configuration that cannot be', { config: { ...config, headDim: 3 } }, 'bad-config'],
    ['metadata that cannot be', { gram: { ...gram, maxLength: 0 } }, 'bad-metadata'],
    [
      'a kind unlike the architecture',
      { gram: { ...gram, kind: 'discriminative' as const } },
      'bad-metadata',
    ],
    ['a value model that writes', { gram: { ...policy, kind: 'value' as const } }, 'bad-metadata'],
    ['a tokenizer that is no JSON', { tokenizerJson: '{' }, 'bad-tokenizer'],
    ['a tokenizer without the special tokens', { tokenizerJson: '{}' }, 'bad-tokenizer'],
  ])('refuses %s and writes nothing', async (_, change, code) => {
    await expect(saveModel(dir, { config, weights, gram, ...change })).rejects.toMatchObject({ code });
    expect(await readdir(root)).toEqual([]);
  });
});

describe('loadModel', () => {
  it('loads a plain language model without gram.json', async () => {
    await directory({}, { 'model.safetensors': weights });
    expect((await loadModel(dir)).gram).toBeUndefined();
  });

  it('names up to five tensors of each fault and counts them', async () => {
    const { 'lm_head.weight': head, 'model.norm.weight': norm } = weights;
    const extra = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`extra.${i}`, norm!]));
    await directory(
      {},
      { 'model.safetensors': { 'lm_head.weight': norm!, 'score.weight': head!, ...extra } },
    );
    const error = await loadModel(dir).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'bad-weights' });
    const { message } = error as Error;
    expect(message).toContain('11 missing ("model.embed_tokens.weight", ');
    expect(message).toContain('8 unexpected ("extra.0", "extra.1", "extra.2", "extra.3", "extra.4", ...)');
    expect(message).toContain('1 of the wrong shape ("lm_head.weight" [4] instead of [5,4])');
  });

  it('takes a tied head that is absent or equal, and refuses another', async () => {
    const tied = { tieWordEmbeddings: true };
    const embedding = weights['model.embed_tokens.weight']!;
    await directory(tied, { 'model.safetensors': without('lm_head.weight') });
    expect(Object.keys((await loadModel(dir)).weights)).not.toContain('lm_head.weight');

    await writeSafetensors(join(dir, 'model.safetensors'), { ...weights, 'lm_head.weight': embedding });
    expect(Object.keys((await loadModel(dir)).weights)).not.toContain('lm_head.weight');

    const data = embedding.data.slice();
    data[19]! += 1;
    const other = { ...weights, 'lm_head.weight': float32(embedding.shape, data) };
    await writeSafetensors(join(dir, 'model.safetensors'), other);
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'bad-weights',
      message: expect.stringContaining('lm_head.weight differs from the embedding matrix'),
    });
  });

  it.each([
    ['an unknown field', { ...gram, x: 1 }, 'unrecognized key'],
    ['another format', { ...gram, format: 2 }, 'format: only format 1 is known'],
    [
      'another kind',
      { ...gram, kind: 'oracle' },
      'kind: must be generative, discriminative, policy or value',
    ],
    ['no kind', { ...gram, kind: undefined }, 'kind: must be generative'],
    ['a policy with a judge prompt', { ...gram, kind: 'policy' }, 'unrecognized key: "judgePrompt"'],
    ['a list', [], 'expected object, received array'],
    ['an empty id', { ...gram, chat: '' }, 'chat:'],
    ['a missing field', { ...gram, judgePrompt: undefined }, 'judgePrompt:'],
    ['training that is a list', { ...gram, training: [] }, 'training:'],
    [
      'the kind of another architecture',
      { ...gram, kind: 'discriminative' },
      'a discriminative reward model',
    ],
    ['a value model that writes', { ...policy, kind: 'value' }, 'a value model has a score head'],
  ])('refuses a gram.json with %s', async (_, json, message) => {
    await directory({}, { 'model.safetensors': weights, 'gram.json': JSON.stringify(json) });
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'bad-metadata',
      message: expect.stringContaining(message),
    });
  });

  it('refuses __proto__ in gram.json and config.json', async () => {
    const hostile = `{"__proto__":{"kind":"generative"},${JSON.stringify(gram).slice(1)}`;
    await directory({}, { 'model.safetensors': weights, 'gram.json': hostile });
    await expect(loadModel(dir)).rejects.toMatchObject({ code: 'bad-json' });
    await rm(join(dir, 'gram.json'));
    await writeFile(join(dir, 'config.json'), '{"__proto__":{}}');
    await expect(loadModel(dir)).rejects.toMatchObject({ code: 'bad-json' });
  });

  it('refuses a configuration file over its limit', async () => {
    await directory({}, { 'config.json': ' '.repeat(10_000_001) });
    await expect(loadModel(dir)).rejects.toMatchObject({ code: 'too-large' });
  });

  it('says what is missing, and where an interrupted save left the model', async () => {
    await expect(loadModel(dir)).rejects.toMatchObject({ code: 'file-missing', hint: 'check the path' });
    await saveModel(dir, { config, weights, gram });
    await rename(dir, `${dir}.gram-old`);
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'file-missing',
      hint: expect.stringContaining(`rename ${dir}.gram-old back to ${dir}`),
    });
    await directory({}, { 'pytorch_model.bin': '' });
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'file-missing',
      hint: expect.stringContaining('pickled weights are never read'),
    });
  });
});

describe('loadModel on shards', () => {
  const INDEX = 'model.safetensors.index.json';
  const names = Object.keys(weights);
  const shard = (keep: (i: number) => boolean): Weights =>
    Object.fromEntries(Object.entries(weights).filter((_, i) => keep(i)));
  const first = 'model-00001-of-00002.safetensors';
  const second = 'model-00002-of-00002.safetensors';
  const shards = { [first]: shard((i) => i < 5), [second]: shard((i) => i >= 5) };
  const map = Object.fromEntries(names.map((name, i) => [name, i < 5 ? first : second]));
  const index = (weight_map: unknown) => JSON.stringify({ metadata: { total_size: 1 }, weight_map });

  it('joins them', async () => {
    await directory({}, { ...shards, [INDEX]: index(map) });
    const loaded = await loadModel(dir);
    expect(Object.keys(loaded.weights)).toEqual(names);
    expect({ ...loaded.weights }).toEqual(weights);
  });

  const [name] = names as [string];
  it.each([
    ['a path above the folder', { ...map, [name]: '../model.safetensors' }, 'not the name of a shard'],
    ['an absolute path', { ...map, [name]: '/tmp/model.safetensors' }, 'not the name of a shard'],
    ['another file type', { ...map, [name]: 'model.bin' }, 'not the name of a shard'],
    ['a tensor in the wrong shard', { ...map, [name]: second }, 'the index says otherwise'],
    ['a tensor that no shard holds', { ...map, extra: first }, '"extra" is not in'],
    ['a tensor left out', { ...map, [name]: undefined }, 'the index says otherwise'],
    ['no map', [], 'weight_map'],
  ])('refuses an index with %s', async (_, weightMap, message) => {
    await directory({}, { ...shards, [INDEX]: index(weightMap) });
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'bad-weights',
      message: expect.stringContaining(message),
    });
  });

  it('names a missing shard', async () => {
    await directory({}, { [first]: shards[first]!, [INDEX]: index(map) });
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'file-missing',
      message: expect.stringContaining(second),
    });
  });
});
