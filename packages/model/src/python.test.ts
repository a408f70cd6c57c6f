import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compile, float32, int32, type NDArray } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { Tokenizer } from 'tokenizers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Architecture, endIds, kindOf, type ModelConfig, withHead } from './config/model-config.js';
import { parseConfig } from './config/parse-config.js';
import type { Weights } from './config/weight-shapes.js';
import { cases as contexts } from './decoder/__fixtures__/context-cases.js';
import { hiddenStates } from './decoder/decoder.js';
import { values, vocabularyLogits } from './decoder/heads.js';
import type { WeightTensors } from './decoder/model-tensors.js';
import { loadModel, type SaveOptions, saveModel } from './directory/model-directory.js';
import { PROJECTIONS } from './families/projections.js';
import { stream } from './generation/__fixtures__/tiny-model.js';
import { initWeights } from './init.js';
import { type Adapter, adaptedWeights, initAdapter } from './lora/adapter.js';
import { loadAdapter, saveAdapter } from './lora/adapter-directory.js';
import { decoderHash } from './lora/adapter-notes.js';
import type { LoraConfig } from './lora/lora-config.js';

// A Python with torch, transformers and peft. Without the variable all of this is skipped.
const python = process.env.GRAM_PYTHON;
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

function config(architecture: Architecture, changes: Partial<ModelConfig> = {}): ModelConfig {
  return {
    architecture,
    vocabSize: 40,
    hiddenSize: 32,
    intermediateSize: 48,
    numHiddenLayers: 2,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    headDim: 8,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 64,
    tieWordEmbeddings: false,
    padTokenId: 0,
    ...changes,
  };
}

const ropeScaling = {
  type: 'llama3',
  factor: 4,
  lowFreqFactor: 1,
  highFreqFactor: 4,
  originalMaxPositionEmbeddings: 16,
} as const;
const biases = { attentionBias: true, mlpBias: true };
const some: LoraConfig = { rank: 3, alpha: 6, targets: ['q_proj', 'v_proj', 'down_proj'] };
const all: LoraConfig = { rank: 2, alpha: 5, targets: PROJECTIONS, rankStabilized: true };

interface Case {
  readonly config: ModelConfig;
  readonly options?: SaveOptions;
  readonly lora?: LoraConfig;
}
const cases: Record<string, Case> = {
  'llama, scaled positions, biases': {
    config: config('LlamaForCausalLM', { ropeScaling, ropeTheta: 1000, headDim: 16, ...biases }),
  },
  'llama, tied, several ends': {
    config: config('LlamaForCausalLM', { tieWordEmbeddings: true, bosTokenId: 1, eosTokenId: [2, 5] }),
  },
  mistral: { config: config('MistralForCausalLM', { slidingWindow: 32, eosTokenId: 2 }) },
  qwen2: { config: config('Qwen2ForCausalLM', { tieWordEmbeddings: true }) },
  qwen3: { config: config('Qwen3ForCausalLM', { headDim: 16, attentionBias: true }) },
  'qwen3, shards, bfloat16': {
    config: config('Qwen3ForCausalLM', { headDim: 16 }),
    options: { dtype: 'bfloat16', maxShardBytes: 12_000 },
  },
  'llama, score': { config: config('LlamaForSequenceClassification', { ropeScaling, ...biases }) },
  'mistral, score': { config: config('MistralForSequenceClassification') },
  'qwen2, score': { config: config('Qwen2ForSequenceClassification') },
  'qwen3, score, shards, bfloat16': {
    config: config('Qwen3ForSequenceClassification', { headDim: 16 }),
    options: { dtype: 'bfloat16', maxShardBytes: 12_000 },
  },
  'llama with an adapter': { config: config('LlamaForCausalLM', { tieWordEmbeddings: true }), lora: some },
  'mistral with an adapter': { config: config('MistralForCausalLM'), lora: all },
  'qwen2, score, with an adapter': { config: config('Qwen2ForSequenceClassification'), lora: some },
  'qwen3, score, with an adapter': { config: config('Qwen3ForSequenceClassification'), lora: all },
};
// Every family and feature that has fixtures, with both heads.
const fixtures = at('./__fixtures__');
for (const name of readdirSync(fixtures).filter((entry) =>
  existsSync(join(fixtures, entry, 'variant.json')),
)) {
  const path = join(fixtures, name, 'config.json');
  const own = parseConfig(JSON.parse(readFileSync(path, 'utf8')), path);
  cases[`like ${name}`] = { config: withHead(own, 'next-token') };
  cases[`like ${name}, score, with an adapter`] = { config: withHead(own, 'score'), lora: some };
}
// Every scaling of the rotary embedding, and windows.
for (const [name, { config: json }] of Object.entries(contexts)) {
  const own = { ...parseConfig(json, name), vocabSize: 40 };
  cases[name] = { config: own };
  cases[`${name}, score`] = { config: withHead(own, 'score') };
}
const names = Object.keys(cases);

const { uniform } = stream(41);
const normal = () => 2 * (uniform() + uniform() + uniform() - 1.5);
const random = ({ shape, data }: Weights[string], number: () => number) =>
  float32(shape, Float32Array.from(data, number));

/** Random weights. Norms and biases too: those of a new model would hide a mistake. */
function randomWeights(of: ModelConfig): Weights {
  const entries = Object.entries(initWeights(of, { normal }, 0.3)).map(([name, array]) => {
    const number = name.includes('norm') ? () => 0.5 + uniform() : normal;
    return [name, array.shape.length > 1 ? array : random(array, number)] as const;
  });
  return Object.fromEntries(entries);
}

function randomAdapter(of: ModelConfig, lora: LoraConfig, base: Weights): Adapter {
  const entries = Object.entries(initAdapter(of, lora, base, { uniform }));
  // A new adapter changes nothing, and one with large numbers makes rounding large: in Python as well.
  const number = () => 0.2 * normal();
  return { lora, weights: Object.fromEntries(entries.map(([name, array]) => [name, random(array, number)])) };
}

// Longer than the original context of the scaled positions. The second text is padded.
const LENGTH = 28;
const last = [LENGTH - 1, 20];
const tokens = last.map((end) =>
  Array.from({ length: LENGTH }, (_, t) => (t > end ? 0 : 1 + Math.floor(39 * uniform()))),
);

/** Logits of all positions, or the scores, of what was saved. */
async function ours(path: string, adapterPath: string | undefined): Promise<NDArray> {
  const { config: of, weights } = await loadModel(path);
  const adapter = adapterPath === undefined ? undefined : await loadAdapter(adapterPath, of);
  const run = compile((inputs: { weights: WeightTensors; adapter: WeightTensors; tokens: tf.Tensor2D }) => {
    const used = adapter ? adaptedWeights(of, adapter.lora, inputs.weights, inputs.adapter) : inputs.weights;
    const outputs =
      kindOf(of).head === 'score'
        ? values(of, used, inputs.tokens, tf.tensor1d(last, 'int32'))
        : tf.reshape(vocabularyLogits(of, used, hiddenStates(of, used, inputs.tokens)), [-1]);
    return { outputs };
  });
  const ids = int32([2, LENGTH], tokens.flat());
  return (await run({ weights, adapter: adapter?.weights ?? {}, tokens: ids })).outputs;
}

const texts = ['What is 2 + 2? It is 4.', ' a  b\n\nGröße 日本 🙂', '<|user|>Hi<|end|>', ''];
const chatTemplate =
  "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content | trim + eos_token }}\n{% endfor %}" +
  '{% if add_generation_prompt %}<|assistant|>{% endif %}';
const messages = [
  { role: 'user', content: ' Is it 4? ' },
  { role: 'assistant', content: 'Yes.' },
  { role: 'user', content: 'Why?' },
];
const chat = '<|user|>Is it 4?<|end|>\n<|assistant|>Yes.<|end|>\n<|user|>Why?<|end|>\n<|assistant|>';

interface Checked {
  readonly models: readonly {
    readonly problems: object;
    readonly dtype: string;
    readonly ends: number | number[] | null;
    readonly outputs: number[];
  }[];
  readonly tokenizer: Record<string, unknown>;
}

describe.skipIf(!python)('what is saved, read by transformers and PEFT (GRAM_PYTHON)', () => {
  let root: string;
  let checked: Checked;
  let tokenizerJson: string;
  const pathOf = (name: string) => join(root, String(names.indexOf(name)));
  const adapterOf = (name: string) => (cases[name]!.lora ? `${pathOf(name)}-adapter` : undefined);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'gram-python-'));
    for (const name of names) {
      const { config: of, options, lora } = cases[name]!;
      const weights = randomWeights(of);
      await saveModel(pathOf(name), { config: of, weights }, options);
      if (lora)
        await saveAdapter(adapterOf(name)!, randomAdapter(of, lora, weights), of, {
          baseModel: pathOf(name),
          base: decoderHash(weights),
        });
    }
    tokenizerJson = await readFile(at('../../tokenize/src/bpe/__fixtures__/tokenizer.json'), 'utf8');
    const speaker = config('LlamaForCausalLM', { vocabSize: 420, eosTokenId: 1 });
    const tokenizer = { path: join(root, 'tokenizer'), texts, messages };
    await saveModel(tokenizer.path, {
      config: speaker,
      weights: randomWeights(speaker),
      tokenizerJson,
      chatTemplate,
    });
    const models = names.map((name) => ({
      path: pathOf(name),
      head: kindOf(cases[name]!.config).head,
      adapter: adapterOf(name),
    }));
    const jobs = join(root, 'jobs.json');
    await writeFile(jobs, JSON.stringify({ tokens, models, tokenizer }));
    // All in one process: it takes longer to start than to compute.
    const { stdout } = await promisify(execFile)(python!, [at('../tools/check-saved.py'), jobs], {
      env: { ...process.env, HF_HUB_OFFLINE: '1' },
      maxBuffer: 1e8,
    });
    checked = JSON.parse(stdout);
  }, 300_000);
  afterAll(() => rm(root, { recursive: true }));

  describe.each(names)('%s', (name) => {
    it('fits, and gives the same numbers', async () => {
      const { problems, outputs } = checked.models[names.indexOf(name)]!;
      expect(problems).toEqual({});
      const found = await ours(pathOf(name), adapterOf(name));
      expect(maxRelativeDifference(found, float32([outputs.length], outputs))).toBeLessThan(1e-5);
    });

    it('says the element type and the ends of texts', async () => {
      const { config: of, options } = cases[name]!;
      const { dtype, ends } = checked.models[names.indexOf(name)]!;
      expect(dtype).toBe(`torch.${options?.dtype ?? 'float32'}`);
      if (kindOf(of).head === 'next-token') expect([ends ?? []].flat()).toEqual(endIds(of));
      const shards = (await readdir(pathOf(name))).filter((file) => file.endsWith('.safetensors'));
      expect(shards.length > 1).toBe(options?.maxShardBytes !== undefined);
    });
  });

  it('is a tokenizer with the same ids, and a chat template', async () => {
    const tokenizer = Tokenizer.fromString(tokenizerJson);
    const idsOf = async (text: string) => (await tokenizer.encode(text)).getIds();
    expect(checked.tokenizer).toEqual({
      ids: await Promise.all(texts.map(idsOf)),
      decoded: texts,
      chat,
      chatIds: await idsOf(chat),
      inputs: ['attention_mask', 'input_ids'],
      special: [null, '<|end|>', '<|pad|>'],
      maxLength: 64,
    });
  });
});
