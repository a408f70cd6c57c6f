import { describeIssues } from '@gram/base';
import { z } from 'zod';
import { kindOf, type ModelConfig } from '../config/model-config.js';
import { ModelError } from '../error.js';
import { PROJECTIONS, type Projection } from '../families/projections.js';

/** A low-rank adaptation (LoRA, Hu et al. 2021) of the linear projections of every layer. */
export interface LoraConfig {
  readonly rank: number;
  /** The addition is scaled by `alpha / rank`. */
  readonly alpha: number;
  /** The projections that are adapted, in every layer. */
  readonly targets: readonly Projection[];
  /** Probability with which elements of the addition's input are dropped in training. @default 0 */
  readonly dropout?: number;
  /** Scales by `alpha / sqrt(rank)` instead (Kalajdzievski 2023). @default false */
  readonly rankStabilized?: boolean;
}

/** Returns the factor on the low-rank addition. */
export function loraScale({ rank, alpha, rankStabilized = false }: LoraConfig): number {
  return alpha / (rankStabilized ? Math.sqrt(rank) : rank);
}

const size = z.int().min(1).max(65_536);
// Fields that would change the numbers in another way must be off.
const off = z
  .union([z.null(), z.literal(false), z.strictObject({}), z.tuple([])], 'is not supported')
  .optional();
const inert = z.unknown().optional();

const schema = z.strictObject({
  peft_type: z.literal('LORA', 'only "LORA" is supported'),
  task_type: z.enum(['CAUSAL_LM', 'SEQ_CLS']).nullish(),
  r: size,
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(0.99).default(0),
  use_rslora: z.boolean().default(false),
  target_modules: z.union([
    z.literal('all-linear'),
    z.array(z.enum(PROJECTIONS, `only ${PROJECTIONS.join(', ')} can be adapted`)).min(1),
  ]),
  // PEFT lists both names that heads have; these models call theirs "score".
  modules_to_save: z.array(z.enum(['classifier', 'score'], 'only "score" is supported')).nullish(),
  bias: z.literal('none', 'only "none" is supported').default('none'),
  // These initializations leave the base model as it is; others change it.
  init_lora_weights: z.union([z.boolean(), z.literal('gaussian')], 'is not supported').default(true),
  alora_invocation_tokens: off,
  alpha_pattern: off,
  arrow_config: off,
  corda_config: off,
  ensure_weight_tying: off,
  eva_config: off,
  exclude_modules: off,
  fan_in_fan_out: off,
  kasa_config: off,
  layer_replication: off,
  layers_pattern: off,
  layers_to_transform: off,
  loftq_config: off,
  lora_bias: off,
  lora_ga_config: off,
  megatron_config: off,
  monteclora_config: off,
  rank_pattern: off,
  target_parameters: off,
  trainable_token_indices: off,
  use_bdlora: off,
  use_dora: off,
  use_qalora: off,
  velora_config: off,
  auto_mapping: inert,
  base_model_name_or_path: z.string().nullish(),
  inference_mode: inert,
  megatron_core: inert,
  peft_version: inert,
  qalora_group_size: inert,
  revision: inert,
});

/**
 * Checks an adaptation that a caller or a file gave.
 *
 * @throws {ModelError} `bad-config`
 */
export function checkLora(lora: LoraConfig, where = 'LoRA'): LoraConfig {
  const { rank, alpha, targets, dropout = 0 } = lora;
  const unknown = targets.find((target) => !PROJECTIONS.includes(target));
  const problem = !(Number.isInteger(rank) && rank >= 1)
    ? `the rank is ${rank}`
    : !(alpha > 0 && Number.isFinite(alpha))
      ? `alpha is ${alpha}`
      : targets.length === 0
        ? 'there are no targets'
        : unknown !== undefined
          ? `there is no projection ${JSON.stringify(unknown)}`
          : !(dropout >= 0 && dropout < 1)
            ? `dropout is ${dropout}`
            : undefined;
  if (problem === undefined) return lora;
  throw new ModelError(
    'bad-config',
    `${where}: ${problem}`,
    `give a rank of at least 1, a positive alpha, a dropout below 1, and targets among ${PROJECTIONS.join(', ')}`,
  );
}

/**
 * Reads the parsed `adapter_config.json` of PEFT: the adaptation, and where its base was found. Variants that compute something
 * else are refused by name.
 *
 * @param where names the file in messages.
 * @throws {ModelError} `bad-config`
 */
export function parseLoraConfig(
  json: unknown,
  where: string,
): { readonly lora: LoraConfig; readonly baseModel: string | undefined } {
  const result = schema.safeParse(json);
  if (!result.success) {
    throw new ModelError(
      'bad-config',
      `${where}: ${describeIssues(result.error.issues)}`,
      'merge the adapter into its model with the tool that made it, and load the merged model',
    );
  }
  const { r, lora_alpha, lora_dropout, use_rslora, target_modules } = result.data;
  const targets = target_modules === 'all-linear' ? PROJECTIONS : target_modules;
  const lora = {
    rank: r,
    alpha: lora_alpha,
    // In one order, whatever the file's: it decides the order of the weights.
    targets: PROJECTIONS.filter((projection) => targets.includes(projection)),
    dropout: lora_dropout,
    rankStabilized: use_rslora,
  };
  return { lora, baseModel: result.data.base_model_name_or_path ?? undefined };
}

/** Writes the `adapter_config.json` with which PEFT loads an adapter. */
export function loraConfigToJson(
  lora: LoraConfig,
  config: ModelConfig,
  baseModel: string | undefined,
): Record<string, unknown> {
  const scores = kindOf(config).head === 'score';
  return {
    peft_type: 'LORA',
    task_type: scores ? 'SEQ_CLS' : 'CAUSAL_LM',
    base_model_name_or_path: baseModel ?? null,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout ?? 0,
    use_rslora: lora.rankStabilized ?? false,
    target_modules: [...lora.targets],
    modules_to_save: scores ? ['score'] : null,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
  };
}
