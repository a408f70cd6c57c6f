import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tokenizer } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { configToJson } from '../config/config-json.js';
import { parseConfig } from '../config/parse-config.js';
import { weightShapes } from '../config/weight-shapes.js';
import fixtures from './__fixtures__/models.json' with { type: 'json' };
import smollm2 from './__fixtures__/smollm2.json' with { type: 'json' };
import { loadGguf, loadGgufWeights, readGgufConfig, readGgufTokenizer } from './load-gguf.js';

const fixture = (name: string) => fileURLToPath(new URL(`./__fixtures__/${name}.gguf`, import.meta.url));

type Model = keyof typeof fixtures.models;
const names = Object.keys(fixtures.models) as Model[];

async function idsOf(tokenizerJson: string, texts: readonly string[]): Promise<number[][]> {
  const tokenizer = Tokenizer.fromString(tokenizerJson);
  return Promise.all(
    texts.map(async (text) => [
      ...(await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds(),
    ]),
  );
}

const common = {
  vocabSize: 342,
  hiddenSize: 32,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  maxPositionEmbeddings: 512,
  bosTokenId: 1,
  eosTokenId: 2,
  padTokenId: 0,
};

const configs: Record<Model, object> = {
  llama: {
    ...common,
    architecture: 'LlamaForCausalLM',
    intermediateSize: 256,
    numHiddenLayers: 3,
    headDim: 8,
    rmsNormEps: 1e-5,
    ropeTheta: 500_000,
    ropeScaling: {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositionEmbeddings: 8192,
    },
    tieWordEmbeddings: true,
  },
  'llama-biased': {
    ...common,
    architecture: 'LlamaForCausalLM',
    intermediateSize: 64,
    numHiddenLayers: 1,
    headDim: 8,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    tieWordEmbeddings: false,
    attentionBias: true,
    mlpBias: true,
  },
  qwen2: {
    ...common,
    architecture: 'Qwen2ForCausalLM',
    intermediateSize: 64,
    numHiddenLayers: 1,
    headDim: 8,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    tieWordEmbeddings: true,
  },
  qwen3: {
    ...common,
    architecture: 'Qwen3ForCausalLM',
    intermediateSize: 64,
    numHiddenLayers: 1,
    headDim: 16,
    rmsNormEps: 1e-6,
    ropeTheta: 1_000_000,
    tieWordEmbeddings: false,
  },
};

describe.each(names)('loadGguf of %s, written by the packages of llama.cpp and Hugging Face', (name) => {
  it('gives the configuration, which config.json can hold', async () => {
    const { config } = await loadGguf(fixture(name));
    expect(config).toEqual(configs[name]);
    expect(parseConfig(configToJson(config), 'config')).toEqual(config);
  });

  it('gives every weight of Hugging Face exactly', async () => {
    const { config, weights } = await loadGguf(fixture(name));
    const found = Object.entries(weights).map(([key, { shape, data }]) => {
      return [
        key,
        { shape: [...shape], sha: createHash('sha256').update(new Uint8Array(data.buffer)).digest('hex') },
      ];
    });
    const shapes = weightShapes(config);
    const expected = Object.entries(fixtures.models[name].weights).map(([key, sha]) => [
      key,
      { shape: shapes[key], sha },
    ]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    expect(Object.keys(weights)).toEqual(Object.keys(shapes));
  });

  it('gives a tokenizer with the ids of Python', async () => {
    const { tokenizerJson } = await loadGguf(fixture(name));
    expect(await idsOf(tokenizerJson, fixtures.texts)).toEqual(fixtures.models[name].ids);
  });

  it('gives special tokens and chat template', async () => {
    const { specialTokens, chatTemplate, addBos, tokenizerJson } = await loadGguf(fixture(name));
    expect(specialTokens).toEqual({
      bos_token: '<|im_start|>',
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      unk_token: '<|endoftext|>',
    });
    expect(chatTemplate).toBe('{{ messages }}');
    expect(addBos).toBe(name === 'llama-biased');
    const ids = (await Tokenizer.fromString(tokenizerJson).encode('x')).getIds();
    expect(ids[0] === 1).toBe(addBos);
    const added: { id: number; content: string; special: boolean }[] = JSON.parse(tokenizerJson).added_tokens;
    expect(added.map(({ content, special }) => [content, special])).toEqual([
      ['<|endoftext|>', true],
      ['<|im_start|>', true],
      ['<|im_end|>', true],
      ['<tool>', false],
    ]);
    expect(tokenizerJson).not.toContain('[PAD0]');
  });
});

describe('loadGgufWeights and readGgufTokenizer', () => {
  it('give the parts of loadGguf', async () => {
    const path = fixture('qwen3');
    const parts = { ...(await loadGgufWeights(path)), ...(await readGgufTokenizer(path)) };
    expect(parts).toEqual(await loadGguf(path));
  });

  it('gives weights beside a tokenizer that is not supported', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gram-gguf-'));
    try {
      const path = join(dir, 'other.gguf');
      // A pre-tokenizer that is not known, in as many letters.
      const bytes = await readFile(fixture('qwen3'));
      bytes.write('gpt-9', bytes.indexOf('gpt-2', bytes.indexOf('tokenizer.ggml.pre')));
      await writeFile(path, bytes);
      await expect(loadGguf(path)).rejects.toMatchObject({ code: 'bad-tokenizer' });
      expect(await loadGgufWeights(path)).toEqual(await loadGgufWeights(fixture('qwen3')));
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe('readGgufConfig', () => {
  it('gives configuration, types and sizes from the header', async () => {
    const { config, tensors, bytes } = await readGgufConfig(fixture('llama'));
    expect(config).toEqual(configs.llama);
    expect(bytes).toBe((await stat(fixture('llama'))).size);
    expect(tensors.get('blk.1.ffn_down.weight')).toMatchObject({
      type: 'Q5_K',
      shape: [32, 256],
      size: 8192,
      bytes: 5632,
    });
    expect(new Set([...tensors.values()].map(({ type }) => type))).toEqual(
      new Set(['F32', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q4_K', 'Q5_K', 'Q6_K']),
    );
  });

  it('says when there is no file', async () => {
    await expect(readGgufConfig(fixture('none'))).rejects.toMatchObject({ code: 'file-missing' });
  });
});

const real = process.env.GRAM_SMOLLM2_GGUF;

describe.skipIf(!real)('loadGguf of SmolLM2-135M-Instruct (GRAM_SMOLLM2_GGUF)', () => {
  it('gives sane weights', async () => {
    const { config, weights } = await loadGguf(real!);
    expect(config).toMatchObject({
      architecture: 'LlamaForCausalLM',
      vocabSize: 49_152,
      hiddenSize: 576,
      numHiddenLayers: 30,
      rmsNormEps: 1e-5,
      tieWordEmbeddings: true,
    });
    let [count, squares, largest] = [0, 0, 0];
    for (const [name, { data }] of Object.entries(weights)) {
      if (name.includes('norm')) continue;
      count += data.length;
      for (const value of data) {
        squares += value * value;
        largest = Math.max(largest, Math.abs(value));
      }
    }
    expect(count).toBe(134_479_872);
    // A NaN or an infinity anywhere would show in both.
    expect(Math.sqrt(squares / count)).toBeGreaterThan(0.05);
    expect(Math.sqrt(squares / count)).toBeLessThan(0.3);
    expect(largest).toBeLessThan(20);
  }, 60_000);

  it('gives the tokenizer of the model, and its chat template', async () => {
    const { tokenizerJson, chatTemplate, specialTokens, addBos } = await loadGguf(real!);
    const ids = await idsOf(tokenizerJson, smollm2.texts);
    expect(ids).toEqual(smollm2.ids);
    // transformers cuts this file's text as GPT-2 does: it joins the last of several spaces to the digits after them.
    const unlike = ids.flatMap((found, i) => (found.join() === smollm2.transformers[i]!.join() ? [] : [i]));
    expect(unlike).toEqual([1, 4]);
    expect(chatTemplate).toContain('<|im_start|>');
    expect(specialTokens.eos_token).toBe('<|im_end|>');
    expect(addBos).toBe(false);
  }, 60_000);
});
