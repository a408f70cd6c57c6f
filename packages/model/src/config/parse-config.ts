import { describeIssues } from '@gram/base';
import { z } from 'zod';
import { ModelError } from '../error.js';
import type { Family } from '../families/family.js';
import { size, token } from '../families/fields.js';
import { FAMILIES, MODEL_FAMILIES, type ModelFamily } from '../families/index.js';
import { type Architecture, kindOf, type ModelConfig } from './model-config.js';
import { headFields, headsOf, withoutOwnType } from './own-heads.js';
import { ropeFields, ropeOf } from './rope-fields.js';

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

/** The fields that all families share. */
const common = z.object({
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
  tie_word_embeddings: z.boolean().optional(),
  bos_token_id: token.nullish(),
  eos_token_id: z.union([token, z.array(token).min(1).max(100)]).nullish(),
  pad_token_id: token.nullish(),
  attention_dropout: z.literal(0, 'only 0 is supported').default(0),
  num_labels: size.optional(),
  id2label: z.record(z.string(), z.string()).optional(),
});
type Fields = z.infer<typeof common>;

const byType = new Map<string, { readonly name: ModelFamily; readonly family: Family }>(
  MODEL_FAMILIES.map((name) => [FAMILIES[name].modelType, { name, family: FAMILIES[name] }]),
);
const typed = z.looseObject({
  model_type: z.enum(
    [...byType.keys()],
    `only ${[...byType.keys()].map((type) => JSON.stringify(type)).join(', ')} are supported`,
  ),
});

/** The field's value; null stands for none, and an absent field for the default. */
function or<T>(value: T | null | undefined, absent: T | undefined): T | undefined {
  return value === undefined ? absent : (value ?? undefined);
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

/** The widths of heads and layers, or what is wrong with them. */
function sizesOf(fields: Fields, { defaults }: Family) {
  const { hidden_size: width, num_attention_heads: queries } = fields;
  const headDim = or(fields.head_dim, defaults.headDim);
  if (headDim === undefined && width % queries !== 0)
    return 'num_attention_heads does not divide hidden_size';
  return {
    vocabSize: fields.vocab_size,
    hiddenSize: width,
    intermediateSize: fields.intermediate_size,
    numHiddenLayers: fields.num_hidden_layers,
    numAttentionHeads: queries,
    numKeyValueHeads: or(fields.num_key_value_heads, defaults.numKeyValueHeads) ?? queries,
    headDim: headDim ?? width / queries,
    rmsNormEps: fields.rms_norm_eps,
    maxPositionEmbeddings: fields.max_position_embeddings ?? defaults.maxPositionEmbeddings,
    tieWordEmbeddings: fields.tie_word_embeddings ?? defaults.tieWordEmbeddings ?? false,
  };
}

/** Returns the part of a configuration, or refuses what is wrong. */
function accept<T extends object>(part: T | string, refuse: (problem: string) => ModelError): T {
  if (typeof part === 'string') throw refuse(part);
  return part;
}

/**
 * Reads the parsed `config.json` of a model. Whatever would change the model's numbers and is not supported is refused by
 * name: another model type, other scalings of rotary embedding, another activation, unknown fields. Absent fields get the
 * defaults of transformers, except the five sizes, which are required.
 *
 * @example
 * ```ts
 * const json: unknown = JSON.parse(await readFile('model/config.json', 'utf8'));
 * const { hiddenSize } = parseConfig(json, 'model/config.json');
 * ```
 *
 * @param where names the file in messages.
 * @throws {ModelError} `bad-config`
 */
export function parseConfig(json: unknown, where: string): ModelConfig {
  const refuse = (problem: string) =>
    new ModelError(
      'bad-config',
      `${where}: ${problem}`,
      `use a model of the families ${MODEL_FAMILIES.join(', ')}; remove fields that change nothing`,
    );
  const { json: plain, isOwn } = withoutOwnType(json);
  const type = typed.safeParse(plain);
  const known = type.success ? byType.get(type.data.model_type) : undefined;
  if (known === undefined) throw refuse(describeIssues(type.error?.issues ?? []));
  const { family, name } = known;
  const schema = z.strictObject({ ...ignored, ...common.shape, ...family.fields, model_type: z.string() });
  const result = schema.safeParse(plain);
  if (!result.success) throw refuse(describeIssues(result.error.issues));
  // The schema has all fields of both.
  const fields = result.data as Fields & Parameters<Family['read']>[0];
  const [architecture] = fields.architectures;
  const kind = kindOf({ architecture });
  if (kind.family !== name) {
    throw refuse(`architectures says ${kind.family} and model_type ${family.modelType}`);
  }
  if (kind.head === 'score' && !hasOneLabel(fields))
    throw refuse('num_labels or id2label: only one label is supported');
  const heads = accept(headsOf(fields, kind.head, isOwn), refuse);
  const config: ModelConfig = {
    architecture,
    ...accept(sizesOf(fields, family), refuse),
    ...accept(ropeOf(fields), refuse),
    ...accept(family.read(fields, fields.num_hidden_layers), refuse),
    ...heads,
    bosTokenId: fields.bos_token_id ?? undefined,
    eosTokenId: fields.eos_token_id ?? undefined,
    padTokenId: fields.pad_token_id ?? undefined,
  };
  const problems = inconsistencies(config);
  if (problems.length > 0) throw refuse(problems.join('; '));
  return config;
}
