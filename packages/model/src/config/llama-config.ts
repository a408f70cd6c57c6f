import { z } from 'zod';
import { ModelError } from '../error.js';
import { describeIssues } from '../files/json.js';

/**
 * The architecture of a Llama decoder: what `config.json` of Hugging Face says, in camel case.
 * Weights and arithmetic are float32.
 */
export interface LlamaConfig {
  /** Decoder with a next-token head, or with one score per sequence. */
  readonly architecture: 'LlamaForCausalLM' | 'LlamaForSequenceClassification';
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** Width of the gated feed-forward layer. */
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  /** Heads of keys and values; each serves `numAttentionHeads / numKeyValueHeads` query heads. */
  readonly numKeyValueHeads: number;
  /** Width of one head; even, because rotary embedding turns pairs. */
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Longest sequence in tokens. */
  readonly maxPositionEmbeddings: number;
  /** Whether the next-token head is the embedding matrix. */
  readonly tieWordEmbeddings: boolean;
  readonly bosTokenId?: number;
  /** One id, or several that each end a text. */
  readonly eosTokenId?: number | readonly number[];
  readonly padTokenId?: number;
}

const MAX_INT = 2 ** 31 - 1;
const size = z.int().min(1).max(MAX_INT);
const positive = z.number().positive();
const token = z.int().min(0).max(MAX_INT);
const only = <T extends boolean | number | string>(value: T) =>
  z.literal(value, `only ${JSON.stringify(value)} is supported`);

const defaultRope = z.strictObject(
  {
    rope_type: only('default').optional(),
    type: only('default').optional(),
    rope_theta: positive.optional(),
  },
  'only the default rotary embedding is supported',
);

// These do not change what the model computes.
const ignored = Object.fromEntries(
  [
    '_name_or_path',
    'dtype',
    'initializer_range',
    'is_llama_config',
    'label2id',
    'problem_type',
    'return_dict',
    'torch_dtype',
    'transformers.js_config',
    'transformers_version',
    'unsloth_fixed',
    'unsloth_version',
    'use_cache',
  ].map((name) => [name, z.unknown().optional()]),
);

// The defaults are those of transformers' LlamaConfig.
const schema = z.strictObject({
  ...ignored,
  model_type: only('llama'),
  architectures: z.tuple([z.enum(['LlamaForCausalLM', 'LlamaForSequenceClassification'])]),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: z.int().min(1).max(1000),
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  rms_norm_eps: positive.max(1).default(1e-6),
  rope_theta: positive.optional(),
  rope_parameters: defaultRope.nullish(),
  rope_scaling: defaultRope.nullish(),
  rope_interleaved: only(false).optional(),
  max_position_embeddings: size.default(2048),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: token.nullish(),
  eos_token_id: z.union([token, z.array(token).min(1).max(100)]).nullish(),
  pad_token_id: token.nullish(),
  hidden_act: only('silu').default('silu'),
  attention_bias: only(false).default(false),
  mlp_bias: only(false).default(false),
  attention_dropout: only(0).default(0),
  pretraining_tp: only(1).default(1),
  num_labels: size.optional(),
  id2label: z.record(z.string(), z.string()).optional(),
});

function ropeThetaOf(json: z.infer<typeof schema>): number | undefined {
  const found = [json.rope_theta, json.rope_parameters?.rope_theta, json.rope_scaling?.rope_theta];
  const distinct = new Set(found.filter((theta) => theta !== undefined));
  if (distinct.size > 1) return undefined;
  return [...distinct][0] ?? 10_000;
}

function inconsistencies(config: LlamaConfig): string[] {
  const tokens = [config.bosTokenId ?? [], config.eosTokenId ?? [], config.padTokenId ?? []].flat();
  const checks: [boolean, string][] = [
    [config.hiddenSize % config.numAttentionHeads === 0, 'num_attention_heads does not divide hidden_size'],
    [
      config.numAttentionHeads % config.numKeyValueHeads === 0,
      'num_key_value_heads does not divide num_attention_heads',
    ],
    [config.headDim % 2 === 0, `head_dim ${config.headDim} is odd`],
    [tokens.every((id) => id < config.vocabSize), 'a special token id is not below vocab_size'],
  ];
  return checks.filter(([holds]) => !holds).map(([, problem]) => problem);
}

/**
 * Reads the parsed `config.json` of a Llama model. What would change the model's numbers without our
 * knowing how is refused by name: scaled rotary embedding, biases, another activation, another model type, unknown fields.
 * Absent fields get the defaults of transformers, except the five sizes, which must be there.
 *
 * @param where names the file in messages.
 * @throws ModelError `bad-config`.
 */
export function parseConfig(json: unknown, where: string): LlamaConfig {
  const refuse = (problem: string) =>
    new ModelError(
      'bad-config',
      `${where}: ${problem}`,
      'use a Llama model with default rotary embedding and without biases; remove fields that change nothing',
    );
  const result = schema.safeParse(json);
  if (!result.success) throw refuse(describeIssues(result.error));
  const fields = result.data;
  const architecture = fields.architectures[0];
  if (architecture === 'LlamaForSequenceClassification') {
    // Without both, transformers makes two labels.
    const counts = [fields.num_labels, fields.id2label && Object.keys(fields.id2label).length];
    const given = counts.filter((count) => count !== undefined);
    if (given.length === 0 || given.some((count) => count !== 1)) {
      throw refuse('num_labels or id2label: only one label is supported');
    }
  }
  const ropeTheta = ropeThetaOf(fields);
  if (ropeTheta === undefined) throw refuse('rope_theta is given twice with different values');
  const config: LlamaConfig = {
    architecture,
    vocabSize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    numHiddenLayers: fields.num_hidden_layers,
    numAttentionHeads: fields.num_attention_heads,
    numKeyValueHeads: fields.num_key_value_heads ?? fields.num_attention_heads,
    headDim: fields.head_dim ?? Math.floor(fields.hidden_size / fields.num_attention_heads),
    rmsNormEps: fields.rms_norm_eps,
    ropeTheta,
    maxPositionEmbeddings: fields.max_position_embeddings,
    tieWordEmbeddings: fields.tie_word_embeddings,
    bosTokenId: fields.bos_token_id ?? undefined,
    eosTokenId: fields.eos_token_id ?? undefined,
    padTokenId: fields.pad_token_id ?? undefined,
  };
  const problems = inconsistencies(config);
  if (problems.length > 0) throw refuse(problems.join('; '));
  return config;
}

/** The `config.json` of a model, as transformers loads it. `parseConfig` of the result gives `config` back. */
export function configToJson(config: LlamaConfig): Record<string, unknown> {
  return {
    architectures: [config.architecture],
    model_type: 'llama',
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    max_position_embeddings: config.maxPositionEmbeddings,
    tie_word_embeddings: config.tieWordEmbeddings,
    attention_bias: false,
    attention_dropout: 0,
    mlp_bias: false,
    // Null, because transformers has defaults of its own for absent ids.
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: config.eosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
    torch_dtype: 'float32',
    ...(config.architecture === 'LlamaForSequenceClassification' && {
      id2label: { 0: 'score' },
      label2id: { score: 0 },
    }),
  };
}
