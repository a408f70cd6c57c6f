import { describeIssues } from '@gram/base';
import { z } from 'zod';
import { ModelError } from '../error.js';
import type { Family } from '../families/family.js';
import { only, or, size, token } from '../families/fields.js';
import { FAMILIES, MODEL_FAMILIES, type ModelFamily } from '../families/index.js';
import { type Architecture, kindOf, type ModelConfig } from './model-config.js';
import { computingField } from './other-fields.js';
import { headFields, headsOf, withoutOwnType } from './own-heads.js';
import { ropeFields, ropeOf } from './rope-fields.js';

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
  rms_norm_eps: z.number().positive().max(1).nullish(),
  max_position_embeddings: size.nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  bos_token_id: token.nullish(),
  eos_token_id: z.union([token, z.array(token).min(1).max(100)]).nullish(),
  pad_token_id: token.nullish(),
  num_labels: size.nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
  /** A note of ours, see `mergedAdapters`. */
  gram_merged_adapters: z.array(z.string().max(64)).min(1).max(1000).optional(),
  // Absent, these mean what is supported.
  is_causal: only(true).nullish(),
  use_bidirectional_attention: only(false).nullish(),
  use_rope: only(true).nullish(),
  // It has an effect in families of which some layers have a window only.
  max_window_layers: z.unknown().optional(),
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
  const counts = [num_labels, id2label && Object.keys(id2label).length].filter((count) => count != null);
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
    rmsNormEps: fields.rms_norm_eps ?? 1e-6,
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
 * Reads the parsed `config.json` of a model. A value that would change the model's numbers and is not supported is refused by
 * name: another model type, another scaling of the rotary embedding, another activation, and an unknown field whose name speaks
 * of the computation. Values that stand for nothing, and fields about training, generation and files, are ignored. Absent
 * fields get the defaults of transformers, except the five sizes, which are required.
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
      `use a model of the families ${MODEL_FAMILIES.join(', ')}; or merge what its configuration adds into its weights`,
    );
  const { json: plain, isOwn } = withoutOwnType(json);
  const type = typed.safeParse(plain);
  const named = type.success ? byType.get(type.data.model_type) : undefined;
  if (!type.success || named === undefined) throw refuse(describeIssues(type.error?.issues ?? []));
  const { family, name } = named;
  const known = { ...common.shape, ...family.fields };
  const result = z.object(known).safeParse(plain);
  if (!result.success) throw refuse(describeIssues(result.error.issues));
  const others = Object.entries(type.data).filter(([name]) => !Object.hasOwn(known, name));
  const problem = computingField(Object.fromEntries(others));
  if (problem !== undefined) throw refuse(problem);
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
  const sizes = accept(sizesOf(fields, family), refuse);
  const config: ModelConfig = {
    architecture,
    ...sizes,
    ...accept(ropeOf(fields, sizes.maxPositionEmbeddings), refuse),
    ...accept(family.read(fields, fields.num_hidden_layers), refuse),
    ...heads,
    ...(fields.gram_merged_adapters && { mergedAdapters: fields.gram_merged_adapters }),
    bosTokenId: fields.bos_token_id ?? undefined,
    eosTokenId: fields.eos_token_id ?? undefined,
    padTokenId: fields.pad_token_id ?? undefined,
  };
  const problems = inconsistencies(config);
  if (problems.length > 0) throw refuse(problems.join('; '));
  return config;
}
