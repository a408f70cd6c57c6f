import { quote } from '@gram/base';
import type { ModelConfig } from '../config/model-config.js';
import { parseConfig } from '../config/parse-config.js';
import type { Family, GgufTraits } from '../families/family.js';
import { FAMILIES, MODEL_FAMILIES } from '../families/index.js';
import { badGguf, unsupportedGguf } from './error.js';
import { type Metadata, metadataOf } from './metadata.js';
import type { GgufHeader } from './parse.js';
import { scalingOfFactors } from './rope-factors.js';

/** The families that have GGUF files of their own, by what llama.cpp calls them. */
const BY_ARCHITECTURE = new Map(
  MODEL_FAMILIES.flatMap((name) => {
    const family: Family = FAMILIES[name];
    return family.gguf === undefined
      ? []
      : [[family.gguf.architecture, { name, family, gguf: family.gguf }] as const];
  }),
);

/** Keys of an architecture that say its shape, and are read below. */
const READ = [
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.layer_norm_rms_epsilon',
  'attention.value_length',
  'block_count',
  'context_length',
  'embedding_length',
  'feed_forward_length',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scale_linear',
  'rope.scaling.attn_factor',
  'rope.scaling.factor',
  'rope.scaling.original_context_length',
  'rope.scaling.type',
  'rope.scaling.yarn_beta_fast',
  'rope.scaling.yarn_beta_slow',
  'vocab_size',
];

/** Keys that change nothing, or nothing as long as they have this value. */
const NEUTRAL: Readonly<Record<string, string | number | boolean | undefined>> = {
  'attention.causal': true,
  'attention.sliding_window': 0,
  expert_count: 0,
  expert_used_count: 0,
  // Says only how the model came to be.
  'rope.scaling.finetuned': undefined,
  'rope.scaling.yarn_log_multiplier': 0,
};

function refuseUnknown(header: GgufHeader, { architecture, keys = [] }: GgufTraits, path: string): void {
  for (const [key, value] of header.metadata) {
    if (!key.startsWith(`${architecture}.`)) continue;
    const name = key.slice(architecture.length + 1);
    if (READ.includes(name) || keys.includes(name)) continue;
    const isNeutral = Object.hasOwn(NEUTRAL, name);
    if (isNeutral && NEUTRAL[name] === undefined) continue;
    if (isNeutral && NEUTRAL[name] === (typeof value === 'bigint' ? Number(value) : value)) continue;
    throw unsupportedGguf(
      path,
      `the key ${quote(key)} is not supported${isNeutral ? ' with this value' : ''}`,
    );
  }
}

function requiredOf(metadata: Metadata, path: string) {
  const need = <T>(key: string, value: T | undefined): T => {
    if (value !== undefined) return value;
    throw badGguf(path, `the key ${quote(key)} is missing`);
  };
  return {
    count: (key: string) => need(key, metadata.count(key)),
    real: (key: string) => need(key, metadata.real(key)),
  };
}

/** Rows of the embedding; the vocabulary must fit. */
function vocabSizeOf(header: GgufHeader, declared: number | undefined, path: string): number {
  const embedding = header.tensors.get('token_embd.weight');
  if (embedding === undefined) throw badGguf(path, 'the tensor "token_embd.weight" is missing');
  const rows = embedding.shape[0] ?? 0;
  const tokens = header.metadata.get('tokenizer.ggml.tokens');
  const listed = typeof tokens === 'object' ? tokens.length : 0;
  if (listed > rows || (declared !== undefined && declared !== rows)) {
    throw badGguf(
      path,
      `the vocabulary of ${declared ?? listed} tokens does not fit the embedding of ${rows}`,
    );
  }
  return rows;
}

/** The scaling that a tensor of factors describes, as in `config.json`. */
function scalingOfTensor(factors: Float32Array, ropeTheta: number, headDim: number, path: string) {
  const scaling = scalingOfFactors(factors, ropeTheta, headDim);
  if (scaling === 'unknown') {
    throw unsupportedGguf(path, 'the tensor "rope_freqs.weight" is not the scaling of Llama 3');
  }
  if (scaling === undefined) return undefined;
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
  };
}

/**
 * The scaling that the keys of an architecture describe, as in `config.json`. Without a type, llama.cpp takes a factor for that of
 * linear scaling; it multiplies the usual factor of YaRN on attention by `attn_factor`.
 */
function scalingOfKeys(key: (name: string) => string, metadata: Metadata, path: string) {
  const real = (name: string) => metadata.real(key(`rope.scaling.${name}`));
  const type = metadata.text(key('rope.scaling.type')) ?? 'linear';
  const factor = real('factor') ?? metadata.real(key('rope.scale_linear')) ?? 1;
  // Zero stands for none.
  if (type === 'none' || factor === 0) return undefined;
  if (type === 'linear') return { rope_type: 'linear', factor };
  if (type !== 'yarn') {
    throw unsupportedGguf(
      path,
      `${key('rope.scaling.type')}: only "none", "linear" and "yarn" are supported, not ${quote(type)}`,
    );
  }
  const onAttention = real('attn_factor') ?? 1;
  return {
    rope_type: 'yarn',
    factor,
    original_max_position_embeddings: real('original_context_length'),
    beta_fast: real('yarn_beta_fast'),
    beta_slow: real('yarn_beta_slow'),
    attention_factor: onAttention === 1 ? undefined : onAttention * (1 + 0.1 * Math.log(factor)),
  };
}

/** Ids that end a text: the end of the sequence, and the end of a turn where that is another token. */
function endIdsOf(metadata: Metadata): number | number[] | null {
  const ids = ['eos', 'eot'].map((name) => metadata.count(`tokenizer.ggml.${name}_token_id`));
  const distinct = [...new Set(ids.filter((id) => id !== undefined))];
  return distinct.length > 1 ? distinct : (distinct[0] ?? null);
}

/** The family that a header names. */
function familyOfGguf(metadata: Metadata, path: string) {
  const architecture = metadata.text('general.architecture') ?? '';
  const found = BY_ARCHITECTURE.get(architecture);
  if (found !== undefined) return found;
  const known = [...BY_ARCHITECTURE.keys()].join(', ');
  throw unsupportedGguf(
    path,
    `general.architecture: only ${known} are supported, not ${quote(architecture)}`,
  );
}

/**
 * Reads the configuration from a header, checked as a `config.json` is. Keys of the architecture that are not known,
 * or whose value would change the numbers in a way that is not supported, are refused by name.
 *
 * @param factors content of the tensor `rope_freqs.weight`, if there is one
 * @throws {ModelError} `bad-gguf`, `bad-config`
 */
export function configOfGguf(
  header: GgufHeader,
  factors: Float32Array | undefined,
  path: string,
): ModelConfig {
  const metadata = metadataOf(header, path);
  const required = requiredOf(metadata, path);
  const { name: familyName, family, gguf } = familyOfGguf(metadata, path);
  const key = (name: string) => `${gguf.architecture}.${name}`;
  refuseUnknown(header, gguf, path);

  const width = required.count(key('embedding_length'));
  const heads = required.count(key('attention.head_count'));
  const headDim = metadata.count(key('attention.key_length')) ?? width / heads;
  for (const name of ['attention.value_length', 'rope.dimension_count']) {
    if ((metadata.count(key(name)) ?? headDim) !== headDim) {
      throw unsupportedGguf(path, `${key(name)}: only the size of a head, ${headDim}, is supported`);
    }
  }
  const ropeTheta = metadata.real(key('rope.freq_base')) ?? 10_000;
  const scalings = [
    scalingOfKeys(key, metadata, path),
    factors && scalingOfTensor(factors, ropeTheta, headDim, path),
  ].filter((scaling) => scaling !== undefined && scaling.factor !== 1);
  if (scalings.length > 1) {
    throw unsupportedGguf(
      path,
      `"rope_freqs.weight" together with ${key('rope.scaling.type')} is not supported`,
    );
  }
  const source = {
    hasTensor: (name: string) => header.tensors.has(name),
    number: (name: string) => metadata.real(key(name)),
  };
  return parseConfig(
    {
      architectures: [`${familyName}ForCausalLM`],
      model_type: family.modelType,
      vocab_size: vocabSizeOf(header, metadata.count(key('vocab_size')), path),
      hidden_size: width,
      intermediate_size: required.count(key('feed_forward_length')),
      num_hidden_layers: required.count(key('block_count')),
      num_attention_heads: heads,
      num_key_value_heads: metadata.count(key('attention.head_count_kv')) ?? heads,
      head_dim: headDim,
      rms_norm_eps: required.real(key('attention.layer_norm_rms_epsilon')),
      rope_theta: ropeTheta,
      rope_scaling: scalings[0],
      max_position_embeddings: required.count(key('context_length')),
      tie_word_embeddings: !header.tensors.has('output.weight'),
      ...gguf.fields(source, { headDim }),
      bos_token_id: metadata.count('tokenizer.ggml.bos_token_id') ?? null,
      eos_token_id: endIdsOf(metadata),
      pad_token_id: metadata.count('tokenizer.ggml.padding_token_id') ?? null,
    },
    path,
  );
}
