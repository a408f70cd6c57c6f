import { describeIssues } from '@gram/base';
import { z } from 'zod';
import { ModelError } from '../error.js';
import {
  type Architecture,
  kindOf,
  MODEL_FAMILIES,
  type ModelConfig,
  type ModelFamily,
} from './model-config.js';
import { headFields, headsOf, withoutOwnType } from './own-heads.js';
import { ropeFields, ropeOf } from './rope-fields.js';

const MAX_INT = 2 ** 31 - 1;
const size = z.int().min(1).max(MAX_INT);
const token = z.int().min(0).max(MAX_INT);
const only = <T extends boolean | number | string>(value: T) =>
  z.literal(value, `only ${JSON.stringify(value)} is supported`);

// These do not change what the model computes.
const ignored = Object.fromEntries(
  [
    '_attn_implementation_autoset',
    '_model_name_or_path',
    '_name_or_path',
    'dtype',
    'initializer_range',
    'is_llama_config',
    'label2id',
    'problem_type',
    'return_dict',
    'tokenizer_class',
    'torch_dtype',
    'transformers.js_config',
    'transformers_version',
    'unsloth_fixed',
    'unsloth_version',
    'unk_token_id',
    'use_cache',
  ].map((name) => [name, z.unknown().optional()]),
);

const architectures = MODEL_FAMILIES.flatMap((family): Architecture[] => [
  `${family}ForCausalLM`,
  `${family}ForSequenceClassification`,
]);

const common = {
  ...ignored,
  ...ropeFields,
  ...headFields,
  architectures: z.tuple([z.enum(architectures)]),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: z.int().min(1).max(1000),
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  rms_norm_eps: z.number().positive().max(1).default(1e-6),
  max_position_embeddings: size.optional(),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: token.nullish(),
  eos_token_id: z.union([token, z.array(token).min(1).max(100)]).nullish(),
  pad_token_id: token.nullish(),
  hidden_act: only('silu').default('silu'),
  attention_dropout: only(0).default(0),
  num_labels: size.optional(),
  id2label: z.record(z.string(), z.string()).optional(),
};

// Without it, what these fields say of windows has no effect.
const fullAttention = {
  use_sliding_window: only(false).default(false),
  sliding_window: size.nullish(),
  max_window_layers: z.unknown().optional(),
  layer_types: z.array(only('full_attention')).nullish(),
};

const llama = z.strictObject({
  ...common,
  model_type: only('llama'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  pretraining_tp: only(1).default(1),
  rope_interleaved: only(false).optional(),
});
const mistral = z.strictObject({ ...common, model_type: only('mistral'), sliding_window: size.nullish() });
const qwen2 = z.strictObject({ ...common, ...fullAttention, model_type: only('qwen2') });
const qwen3 = z.strictObject({
  ...common,
  ...fullAttention,
  model_type: only('qwen3'),
  attention_bias: z.boolean().default(false),
});

const schema = z.discriminatedUnion('model_type', [llama, mistral, qwen2, qwen3], {
  error: ({ code }) =>
    code === 'invalid_union'
      ? `only ${MODEL_FAMILIES.map((family) => JSON.stringify(family.toLowerCase())).join(', ')} are supported`
      : undefined,
});
type Fields = z.infer<typeof schema>;

/** What transformers takes where a field is absent. */
const defaults: Record<
  ModelFamily,
  { maxPositions: number; keyValueHeads?: number; headDim?: number; slidingWindow?: number }
> = {
  Llama: { maxPositions: 2048 },
  Mistral: { maxPositions: 131_072, keyValueHeads: 8, slidingWindow: 4096 },
  Qwen2: { maxPositions: 32_768, keyValueHeads: 32 },
  Qwen3: { maxPositions: 32_768, keyValueHeads: 32, headDim: 128 },
};

/** The field's value; null stands for none, and an absent field for the default. */
function or<T>(value: T | null | undefined, absent: T | undefined): T | undefined {
  return value === undefined ? absent : (value ?? undefined);
}

function slidingWindowOf(fields: Fields): number | undefined {
  return fields.model_type === 'mistral'
    ? or(fields.sliding_window, defaults.Mistral.slidingWindow)
    : undefined;
}

function inconsistencies(config: ModelConfig): string[] {
  const tokens = [config.bosTokenId ?? [], config.eosTokenId ?? [], config.padTokenId ?? []].flat();
  const checks: [boolean, string][] = [
    [
      config.numAttentionHeads % config.numKeyValueHeads === 0,
      'num_key_value_heads does not divide num_attention_heads',
    ],
    [config.headDim % 2 === 0, `head_dim ${config.headDim} is odd`],
    [tokens.every((id) => id < config.vocabSize), 'a special token id is not below vocab_size'],
  ];
  return checks.filter(([holds]) => !holds).map(([, problem]) => problem);
}

/** Without either field, transformers makes two labels. */
function hasOneLabel({ num_labels, id2label }: Fields): boolean {
  const counts = [num_labels, id2label && Object.keys(id2label).length].filter((n) => n !== undefined);
  return counts.length > 0 && counts.every((count) => count === 1);
}

/**
 * Reads the parsed `config.json` of a model. What would change the model's numbers without our knowing how is refused
 * by name: another model type, other scalings of rotary embedding, another activation, unknown fields.
 * Absent fields get the defaults of transformers, except the five sizes, which must be there.
 *
 * @param where names the file in messages.
 * @throws ModelError `bad-config`.
 */
export function parseConfig(json: unknown, where: string): ModelConfig {
  const refuse = (problem: string) =>
    new ModelError(
      'bad-config',
      `${where}: ${problem}`,
      `use a model of the families ${MODEL_FAMILIES.join(', ')}; remove fields that change nothing`,
    );
  const { json: plain, own } = withoutOwnType(json);
  const result = schema.safeParse(plain);
  if (!result.success) throw refuse(describeIssues(result.error.issues));
  const fields = result.data;
  const architecture = fields.architectures[0];
  const { family, head } = kindOf({ architecture });
  if (family.toLowerCase() !== fields.model_type) {
    throw refuse(`architectures says ${family} and model_type ${fields.model_type}`);
  }
  if (head === 'score' && !hasOneLabel(fields))
    throw refuse('num_labels or id2label: only one label is supported');
  const heads = headsOf(fields, head, own);
  if (typeof heads === 'string') throw refuse(heads);
  const { hidden_size: width, num_attention_heads: queries } = fields;
  const absent = defaults[family];
  const headDim = or(fields.head_dim, absent.headDim);
  if (headDim === undefined && width % queries !== 0) {
    throw refuse('num_attention_heads does not divide hidden_size');
  }
  const rope = ropeOf(fields);
  if (typeof rope === 'string') throw refuse(rope);
  const config: ModelConfig = {
    architecture,
    vocabSize: fields.vocab_size,
    hiddenSize: width,
    intermediateSize: fields.intermediate_size,
    numHiddenLayers: fields.num_hidden_layers,
    numAttentionHeads: queries,
    numKeyValueHeads: or(fields.num_key_value_heads, absent.keyValueHeads) ?? queries,
    headDim: headDim ?? width / queries,
    rmsNormEps: fields.rms_norm_eps,
    ...rope,
    maxPositionEmbeddings: fields.max_position_embeddings ?? absent.maxPositions,
    slidingWindow: slidingWindowOf(fields),
    tieWordEmbeddings: fields.tie_word_embeddings,
    attentionBias: ('attention_bias' in fields && fields.attention_bias) || undefined,
    mlpBias: ('mlp_bias' in fields && fields.mlp_bias) || undefined,
    ...heads,
    bosTokenId: fields.bos_token_id ?? undefined,
    eosTokenId: fields.eos_token_id ?? undefined,
    padTokenId: fields.pad_token_id ?? undefined,
  };
  const problems = inconsistencies(config);
  if (problems.length > 0) throw refuse(problems.join('; '));
  return config;
}
