import { PROJECTIONS } from '@gram/model';
import { judgePrompts, plainChat } from '@gram/tokenize';
import { z } from 'zod';
import { foreignSettings, optimizerNames, ownSettings } from '../optimizers/table.js';
import { stageNames, stageOf, stageSettings } from '../stages/table.js';
import { paceSettings } from '../steps/pace.js';
import { data, validation } from './data.js';
import type { ConfigKeys } from './describe.js';
import { deviceSetting } from './device.js';
import { keysOf } from './reference.js';

const count = z.int().min(1);
const positive = z.number().positive();
const text = z.string().min(1, 'must not be empty');
const share = z.number().min(0).lt(1);

const scratch = z.strictObject({
  vocabSize: count.describe('most tokens of the new tokenizer; little text may give fewer'),
  hiddenSize: count.describe('width of the decoder'),
  intermediateSize: count.describe('width of the feed-forward layers'),
  numHiddenLayers: count.max(1000).describe('number of layers'),
  numAttentionHeads: count.describe('number of attention heads'),
  numKeyValueHeads: count
    .optional()
    .meta({ description: 'number of key and value heads', usual: '`numAttentionHeads`' }),
  maxPositionEmbeddings: count.describe('longest sequence that the model is made for'),
  ropeTheta: positive.default(10_000).describe('base of the rotary positions'),
  rmsNormEps: positive.max(1).default(1e-5).describe('epsilon of the norms'),
  tieWordEmbeddings: z.boolean().default(true).describe('whether the head shares the embedding'),
});

const init = z.strictObject({
  model: text
    .optional()
    .describe(
      'model to start from: a directory, a GGUF file or a repository of the hub; this or `init.scratch`',
    ),
  scratch: scratch.optional().describe('architecture of a new model, whose tokenizer is trained on the data'),
  judgePrompt: text.optional().meta({
    description: `judging prompt: ${judgePrompts.map(({ id }) => `\`${id}\``).join(', ')} or a file; not for policies`,
    usual: 'of the model; else `gram-eval-1`, or `gram-compact-1` for a new model',
  }),
  chat: z.enum(['template', plainChat.id]).optional().meta({
    description: 'how turns are marked',
    usual: 'of the model; else its template',
  }),
});

/** The settings of an adapter. */
export const loraSettings = z.strictObject({
  rank: count.default(16).describe('rank of the addition'),
  alpha: positive.default(32).describe('the addition is scaled by `alpha / rank`'),
  targets: z
    .array(z.enum(PROJECTIONS))
    .min(1)
    .default(['q_proj', 'k_proj', 'v_proj', 'o_proj'])
    .describe('projections of each layer that are adapted'),
  dropout: share.default(0).describe('share of the input of the adapter that is dropped in training'),
  rankStabilized: z.boolean().default(false).describe('whether the scale is `alpha / sqrt(rank)`'),
});

const name = z.enum(optimizerNames).default('adamw').describe('the optimizer');
const weightDecay = z
  .number()
  .min(0)
  .default(0)
  .describe('decay of matrices; norms and biases are never decayed');

/** The settings of an update rule, whatever its pace is. */
export const updateRuleSettings = z.strictObject({ name, weightDecay, ...ownSettings });

const optimizer = z.strictObject({
  name,
  ...paceSettings,
  sharding: z
    .enum(['none', 'zero1', 'zero2'])
    .default('none')
    .describe('what processes deal out: nothing, moments (ZeRO-1), or gradients too (ZeRO-2)'),
  weightDecay,
  ...ownSettings,
});

/** All settings of a training run. A setting's schema is the only place that says its type, default, range and meaning. */
export const root = z.strictObject({
  stage: z.enum(stageNames).describe('what the run trains'),
  data,
  validation: validation.optional(),
  init,
  ...withoutDefaults(stageSettings),
  lora: loraSettings.optional().describe('trains a low-rank adapter (LoRA) and keeps the model as it is'),
  maxLength: count.describe('longest sequence in tokens'),
  overlong: z
    .enum(['error', 'truncate'])
    .default('error')
    .describe('what happens to a record that does not fit'),
  degenerate: z
    .enum(['drop', 'error'])
    .default('drop')
    .describe('what happens to a record with an empty text, or with two responses that are encoded alike'),
  labelSmoothing: z.number().min(0).lt(1).optional().meta({
    description: 'strength of label smoothing, for stages with labels',
    usual: '0.1 for `finetune`, 0 otherwise',
  }),
  smoothingConvention: z
    .enum(['paper', 'uniform-mix'])
    .default('paper')
    .describe('how `labelSmoothing` is counted'),
  optimizer,
  seed: z
    .int()
    .default(0)
    .describe('decides new weights, the order of the data and the place of the chosen response'),
  device: deviceSetting
    .default('cpu')
    .describe('where to compute; `auto` takes a GPU that is twice as fast as the CPU'),
  precision: z
    .enum(['float32', 'tf32', 'bfloat16', 'float16'])
    .default('float32')
    .describe('precision of matrix products; all else is float32'),
  gradientCheckpointing: z
    .boolean()
    .default(false)
    .describe('keeps only the inputs of each layer and computes the layer again for its gradient'),
  output: text.describe('directory of the model, checkpoints, metrics and report'),
  checkpointEvery: count
    .optional()
    .meta({ description: 'steps between checkpoints', usual: 'one on interruption only' }),
  keepCheckpoints: count.default(2).describe('number of newest checkpoints that stay, beside the best one'),
});

/**
 * The settings of stages, absent where they are not written: only then a setting that was written for another stage can
 * be told from a default.
 */
function withoutDefaults<Shape extends z.ZodRawShape>(shape: Shape) {
  const optional = Object.entries(shape).map(([key, schema]) => {
    return [key, z.optional(schema instanceof z.ZodDefault ? schema.unwrap() : schema)];
  });
  // Entries lose the type of each key.
  return Object.fromEntries(optional) as { [Key in keyof Shape]: z.ZodOptional<Shape[Key]> };
}

type Root = z.output<typeof root>;
type StageSetting = keyof typeof stageSettings;

/** A training run with its defaults filled in and its paths made absolute. */
export type TrainingConfig = Omit<Root, StageSetting> & Partial<Pick<Root, StageSetting>>;

/** Architecture of a new model, as `ModelConfig` names it. Its tokenizer is trained on the text of the data. */
export type ScratchConfig = z.output<typeof scratch>;

/** A configuration as it is written: what has a default may be left out, and a preset may give the rest. */
export type TrainingInput = { readonly preset?: string } & Partial<z.input<typeof root>>;

/** The keys of each mapping of a training configuration, by its path. */
export const configKeys: ConfigKeys = keysOf(root.shape, ['preset']);

type Refuse = (path: readonly string[], message: string) => void;

/** The settings of a configuration and what must hold between them. */
export const trainingSchema: z.ZodType<TrainingConfig> = root
  .superRefine((config, context) => {
    const refuse: Refuse = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
    checkStart(config, refuse);
    checkStage(config, refuse);
    checkUpdateRule(config.optimizer, refuse);
  })
  .transform(complete);

/** Fills in what depends on the stage, which is the defaults of its own settings, and what validation shares with the data. */
function complete({ stage: name, data: given, validation: held, init, ...rest }: Root): TrainingConfig {
  const own = z.object(stageOf(name).settings).parse(rest);
  const { path: _, limit: __, steps: ___, ...shared } = given;
  return {
    stage: name,
    data: given,
    ...(held && { validation: { ...shared, ...held } }),
    // The order in which a configuration is printed.
    init,
    ...own,
    ...rest,
    ...own,
  };
}

function checkStart({ init, maxLength, lora: adapter }: Root, refuse: Refuse): void {
  if ((init.model === undefined) === (init.scratch === undefined)) {
    refuse(['init'], 'needs either model or scratch, and not both');
  }
  if (init.scratch !== undefined && maxLength > init.scratch.maxPositionEmbeddings) {
    refuse(['maxLength'], 'is more than init.scratch.maxPositionEmbeddings');
  }
  if (adapter !== undefined && init.model === undefined) {
    refuse(['lora'], 'needs init.model: a new model has nothing to adapt');
  }
}

function checkStage(config: Root, refuse: Refuse): void {
  const { stage: name, init, labelSmoothing = 0, smoothingConvention } = config;
  const stage = stageOf(name);
  const values: Readonly<Record<string, unknown>> = config;
  for (const key of Object.keys(stageSettings)) {
    if (values[key] === undefined || Object.hasOwn(stage.settings, key)) continue;
    refuse([key], `has no meaning in the stage ${name}`);
  }
  if (config.labelSmoothing !== undefined && stage.smoothing === undefined) {
    refuse(['labelSmoothing'], `has no meaning in the stage ${name}, which has no labels`);
  }
  if (smoothingConvention === 'paper' && labelSmoothing >= 0.5) {
    refuse(['labelSmoothing'], 'must be below 0.5, or the wrong label would be the likelier one');
  }
  if (init.judgePrompt !== undefined && stage.kind === 'policy') {
    refuse(['init', 'judgePrompt'], `has no meaning in the stage ${name}, which trains no judge`);
  }
  const { formats, missing } = stage.data;
  for (const source of ['data', 'validation'] as const) {
    const format = config[source]?.format ?? config.data.format;
    if (config[source]?.weights === true && !stage.data.hasWeights) {
      refuse([source, 'weights'], `has no meaning in the stage ${name}, which learns from no judged pairs`);
    }
    if (config[source] !== undefined && format !== undefined && !formats.includes(format)) {
      refuse([source, 'format'], `has no ${missing}, which the stage ${name} needs`);
    }
    for (const [at, { mix }] of (config[source]?.steps ?? []).entries()) {
      const wrong = mix?.with.find((mixed) => mixed.format !== undefined && !formats.includes(mixed.format));
      if (wrong === undefined) continue;
      refuse([source, 'steps', `${at}`, 'mix'], `names ${wrong.format}, which has no ${missing}`);
    }
  }
  stage.check(config, refuse);
}

/** Reports the settings of an update rule that belong to another one. */
export function checkUpdateRule(
  settings: Pick<z.output<typeof updateRuleSettings>, 'name'>,
  refuse: Refuse,
): void {
  const values: Readonly<Record<string, unknown>> = settings;
  for (const key of foreignSettings(settings.name)) {
    if (values[key] !== undefined) refuse(['optimizer', key], `has no meaning for ${settings.name}`);
  }
}
