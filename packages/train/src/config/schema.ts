import {
  type DemonstrationFormat,
  demonstrationFormats,
  preferenceFormats,
  type ResponseFormat,
  responseFormats,
} from '@gram/data';
import { type DeviceName, deviceNames, type Precision } from '@gram/engine';
import { type LoraConfig, PROJECTIONS } from '@gram/model';
import { judgePrompts, plainChat } from '@gram/tokenize';
import { z } from 'zod';
import type { OptimizerSharding } from '../distributed/data-parallel.js';
import type { SmoothingConvention } from '../objectives/smoothing.js';
import { type ScheduleName, scheduleNames } from '../schedule.js';

/** Optimizers that a configuration can name. */
export const optimizerNames = ['adamw', 'sgd', 'adafactor'] as const;
export type OptimizerName = (typeof optimizerNames)[number];

/**
 * What a run trains: GRAM's first or second stage, a discriminative baseline, or a policy on demonstrations or on
 * preferences.
 */
export const stages = ['pair-generation', 'preference', 'bradley-terry', 'sft', 'direct-preference'] as const;
export type TrainingStage = (typeof stages)[number];

/** Name of a data format of any stage. */
export type DataFormat = ResponseFormat | DemonstrationFormat;

/** A training run as a file describes it, with the defaults filled in and paths made absolute. */
export interface TrainingConfig {
  readonly stage: TrainingStage;
  readonly data: {
    readonly path: string;
    /**
     * One of `responseFormats` for `pair-generation`, of `demonstrationFormats` for `sft`, of `preferenceFormats`
     * otherwise. @default 'demonstration' for `sft`, 'preference' otherwise
     */
    readonly format: DataFormat;
    /** Records to read from the start of the file. @default all */
    readonly limit?: number;
  };
  /**
   * Records that are not trained on: they are measured at every checkpoint and at the end, the best checkpoint is kept, and the
   * run ends with its weights. @default none
   */
  readonly validation?: {
    readonly path: string;
    /** As that of `data`. @default that of `data` */
    readonly format: DataFormat;
    /** Records to read from the start of the file. @default all */
    readonly limit?: number;
  };
  readonly init: {
    /**
     * The model to start from: a directory, a GGUF file or a repository of the hub. Either this or `scratch`.
     */
    readonly model?: string;
    /** Architecture of a new model. */
    readonly scratch?: ScratchConfig;
    /**
     * Id of the judging prompt; not for `sft`. @default that of the model; `gram-eval-1` for a plain language model,
     * `gram-compact-1` for a new one
     */
    readonly judgePrompt?: string;
    /**
     * How turns are marked: `template`, as the chat template of the model has it, or `gram-plain-1`, which needs a tokenizer
     * made for it. @default what the model was trained with; of a plain language model, its template
     */
    readonly chat?: 'template' | typeof plainChat.id;
  };
  /**
   * Over what the label's probability is normalised in the stage `preference`: the two labels, as the authors' code, or the
   * whole vocabulary, as the paper's figure. @default 'labels'
   */
  readonly vocabulary: 'labels' | 'full';
  /** How much a policy may differ from its start, in the stage `direct-preference`. @default 0.1 */
  readonly beta?: number;
  /** Variants of the stage `bradley-terry` that the paper compares with. @default the plain one */
  readonly baseline?: {
    /** Width of a head of two layers. @default a linear head, which transformers knows */
    readonly scoreHead?: number;
    /** Trains the head only. @default false */
    readonly freeze: boolean;
    /** Weight of -log sigmoid of the mean reward of chosen responses. @default 0 */
    readonly positiveRegularisation: number;
    /** Asks for a reward that is higher by the margin of each pair, which the data must give. @default false */
    readonly margin: boolean;
    /** Keeps the model a writer as well (GRM): by imitation of chosen responses, or by preference. @default neither */
    readonly regulariser?: 'sft' | 'dpo';
  };
  /** Trains a low-rank adapter (LoRA) and keeps the model as it is. @default all weights are trained */
  readonly lora?: LoraConfig;
  /** Longest sequence in tokens. */
  readonly maxLength: number;
  /** Whether a longer record is an error or is cut to fit. @default 'error' */
  readonly overlong: 'error' | 'truncate';
  /** Strength of label smoothing, where there are labels. @default 0.1 for `preference`, 0 for `bradley-terry` */
  readonly labelSmoothing?: number;
  /** How `labelSmoothing` is counted. @default 'paper' */
  readonly smoothingConvention: SmoothingConvention;
  readonly optimizer: {
    /** @default 'adamw' */
    readonly name: OptimizerName;
    /** Highest learning rate. */
    readonly learningRate: number;
    /** How it falls after the warm-up. @default 'cosine' */
    readonly schedule: ScheduleName;
    /** Records per optimizer step. */
    readonly batchSize: number;
    /** Records that are computed at once; smaller needs less memory. @default batchSize */
    readonly microBatchSize?: number;
    /** @default 1 */
    readonly epochs: number;
    /**
     * Whether several processes keep the moments of all weights each, or of a share each (ZeRO-1, Rajbhandari et al. 2020).
     * @default 'none'
     */
    readonly sharding: OptimizerSharding;
    /** Share of the steps that warm up. @default 0.1 */
    readonly warmupRatio: number;
    /** Of matrices; norms and biases are never decayed. @default 0 */
    readonly weightDecay: number;
    /** Of AdamW. @default [0.9, 0.999] */
    readonly betas?: readonly [number, number];
    /** Of SGD. @default 0 */
    readonly momentum?: number;
    /** Largest global norm of the gradient. @default 1 */
    readonly maxGradientNorm: number;
  };
  /** Decides new weights, the order of the data and where the chosen response stands. @default 0 */
  readonly seed: number;
  /**
   * Where to compute; `auto` is a GPU where one multiplies at least twice as fast as the CPU. A checkpoint goes on on any device.
   * @default 'cpu'
   */
  readonly device: DeviceName | 'auto';
  /**
   * Of matrix products: `bfloat16` on `cuda`, `float16` on `cuda` and `webgpu`. Weights, gradients and moments are float32.
   * @default 'float32'
   */
  readonly precision: Precision;
  /** Keeps the inputs of each layer only, and computes the layer again for its gradient. @default false */
  readonly gradientCheckpointing: boolean;
  /** Directory for the model, checkpoints, metrics and the report. */
  readonly output: string;
  /** Optimizer steps between checkpoints. @default none but the one on interruption */
  readonly checkpointEvery?: number;
  /** How many checkpoints stay; older ones are deleted. @default 2 */
  readonly keepCheckpoints: number;
}

/** Architecture of a new model, as `ModelConfig` names it. Its tokenizer is trained on the text of the data. */
export interface ScratchConfig {
  /** The most tokens of the tokenizer; a small text may give fewer. */
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  /** @default numAttentionHeads */
  readonly numKeyValueHeads?: number;
  /** Longest sequence the model is made for. */
  readonly maxPositionEmbeddings: number;
  /** @default 10000 */
  readonly ropeTheta: number;
  /** @default 0.00001 */
  readonly rmsNormEps: number;
  /** @default true */
  readonly tieWordEmbeddings: boolean;
}

const count = z.int().min(1);
const positive = z.number().positive();
const text = z.string().min(1, 'must not be empty');
const share = z.number().min(0).lt(1);

/** Whether a stage trains a model that answers, and not one that judges. */
export function isPolicy(stage: TrainingStage): stage is 'sft' | 'direct-preference' {
  return stage === 'sft' || stage === 'direct-preference';
}

/** The formats that a stage reads, and what it misses in the others. */
const inputs: Readonly<
  Record<TrainingStage, { readonly formats: readonly DataFormat[]; readonly need: string }>
> = {
  'pair-generation': { formats: responseFormats, need: 'second response' },
  preference: { formats: preferenceFormats, need: 'labels' },
  'bradley-terry': { formats: preferenceFormats, need: 'labels' },
  sft: { formats: demonstrationFormats, need: 'chosen response' },
  'direct-preference': { formats: preferenceFormats, need: 'labels' },
};
const allFormats = [...new Set(Object.values(inputs).flatMap(({ formats }) => formats))];

const data = z.strictObject({
  path: text,
  format: z.enum(allFormats as [DataFormat, ...DataFormat[]]).optional(),
  limit: count.optional(),
});

const scratch = z.strictObject({
  vocabSize: count,
  hiddenSize: count,
  intermediateSize: count,
  numHiddenLayers: count.max(1000),
  numAttentionHeads: count,
  numKeyValueHeads: count.optional(),
  maxPositionEmbeddings: count,
  ropeTheta: positive.default(10_000),
  rmsNormEps: positive.max(1).default(1e-5),
  tieWordEmbeddings: z.boolean().default(true),
});

const init = z.strictObject({
  model: text.optional(),
  scratch: scratch.optional(),
  judgePrompt: z.enum(judgePrompts.map(({ id }) => id) as [string, ...string[]]).optional(),
  chat: z.enum(['template', plainChat.id]).optional(),
});

const baseline = z.strictObject({
  scoreHead: count.max(65_536).optional(),
  freeze: z.boolean().default(false),
  positiveRegularisation: z.number().min(0).default(0),
  margin: z.boolean().default(false),
  regulariser: z.enum(['sft', 'dpo']).optional(),
});

const lora = z.strictObject({
  rank: count.default(16),
  alpha: positive.default(32),
  targets: z.array(z.enum(PROJECTIONS)).min(1).default(['q_proj', 'k_proj', 'v_proj', 'o_proj']),
  dropout: share.default(0),
  rankStabilised: z.boolean().default(false),
});

const optimizer = z.strictObject({
  name: z.enum(optimizerNames).default('adamw'),
  learningRate: positive,
  schedule: z.enum(scheduleNames).default('cosine'),
  batchSize: count,
  microBatchSize: count.optional(),
  epochs: count.default(1),
  sharding: z.enum(['none', 'zero1']).default('none'),
  warmupRatio: z.number().min(0).max(1).default(0.1),
  weightDecay: z.number().min(0).default(0),
  betas: z.tuple([share, share]).optional(),
  momentum: share.optional(),
  maxGradientNorm: positive.default(1),
});

const root = z.strictObject({
  stage: z.enum(stages),
  data,
  validation: data.optional(),
  init,
  vocabulary: z.enum(['labels', 'full']).default('labels'),
  beta: positive.optional(),
  baseline: baseline.optional(),
  lora: lora.optional(),
  maxLength: count,
  overlong: z.enum(['error', 'truncate']).default('error'),
  labelSmoothing: z.number().min(0).lt(1).optional(),
  smoothingConvention: z.enum(['paper', 'uniform-mix']).default('paper'),
  optimizer,
  seed: z.int().default(0),
  device: z.enum([...deviceNames, 'auto']).default('cpu'),
  precision: z.enum(['float32', 'bfloat16', 'float16']).default('float32'),
  gradientCheckpointing: z.boolean().default(false),
  output: text,
  checkpointEvery: count.optional(),
  keepCheckpoints: count.default(2),
});

/** A configuration as it is written: what has a default may be left out, and a preset may give the rest. */
export type TrainingInput = { readonly preset?: string } & Partial<z.input<typeof root>>;

/** The keys of each mapping of a configuration, by its path. */
export const configKeys: Readonly<Record<string, readonly string[]>> = {
  '': ['preset', ...Object.keys(root.shape)],
  data: Object.keys(data.shape),
  validation: Object.keys(data.shape),
  init: Object.keys(init.shape),
  'init.scratch': Object.keys(scratch.shape),
  baseline: Object.keys(baseline.shape),
  lora: Object.keys(lora.shape),
  optimizer: Object.keys(optimizer.shape),
};

/** The default of the data's format depends on the stage. */
const withFormat = root.transform(({ stage, data, validation, ...rest }) => {
  const usual: DataFormat = data.format ?? (stage === 'sft' ? 'demonstration' : 'preference');
  const filled = ({ path, format, ...limit }: typeof data) => ({ path, format: format ?? usual, ...limit });
  return { stage, data: filled(data), ...(validation && { validation: filled(validation) }), ...rest };
});

/** The fields of a configuration and what must hold between them. */
export const trainingSchema: z.ZodType<TrainingConfig> = withFormat.superRefine((config, context) => {
  const { stage, labelSmoothing = 0, smoothingConvention } = config;
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if ((config.init.model === undefined) === (config.init.scratch === undefined)) {
    refuse(['init'], 'needs either model or scratch, and not both');
  }
  if (config.init.scratch !== undefined && config.maxLength > config.init.scratch.maxPositionEmbeddings) {
    refuse(['maxLength'], 'is more than init.scratch.maxPositionEmbeddings');
  }
  if (config.vocabulary === 'full' && stage !== 'preference') {
    refuse(['vocabulary'], `has no meaning in the stage ${stage}`);
  }
  if (config.beta !== undefined && stage !== 'direct-preference') {
    refuse(['beta'], `has no meaning in the stage ${stage}`);
  }
  if (config.baseline !== undefined && stage !== 'bradley-terry') {
    refuse(['baseline'], `has no meaning in the stage ${stage}`);
  }
  if (config.baseline?.freeze && config.lora !== undefined) {
    refuse(['lora'], 'adapts the decoder, which baseline.freeze keeps as it is');
  }
  if (config.baseline?.freeze && config.baseline.regulariser !== undefined) {
    refuse(['baseline', 'regulariser'], 'is about the decoder, which baseline.freeze keeps as it is');
  }
  if (config.baseline?.margin && config.baseline.regulariser !== undefined) {
    refuse(['baseline', 'margin'], 'has no meaning for GRM, whose loss has no margin');
  }
  if (config.lora !== undefined && config.init.model === undefined) {
    refuse(['lora'], 'needs init.model: a new model has nothing to adapt');
  }
  if (config.labelSmoothing !== undefined && (stage === 'pair-generation' || stage === 'sft')) {
    refuse(['labelSmoothing'], `has no meaning in the stage ${stage}, which has no labels`);
  }
  if (config.init.judgePrompt !== undefined && isPolicy(stage)) {
    refuse(['init', 'judgePrompt'], `has no meaning in the stage ${stage}, which trains no judge`);
  }
  for (const name of ['data', 'validation'] as const) {
    const format = config[name]?.format;
    if (format !== undefined && !inputs[stage].formats.includes(format)) {
      refuse([name, 'format'], `has no ${inputs[stage].need}, which the stage ${stage} needs`);
    }
  }
  const { name, betas, momentum } = config.optimizer;
  if (betas !== undefined && name !== 'adamw') refuse(['optimizer', 'betas'], `has no meaning for ${name}`);
  if (momentum !== undefined && name !== 'sgd')
    refuse(['optimizer', 'momentum'], `has no meaning for ${name}`);
  if (smoothingConvention === 'paper' && labelSmoothing >= 0.5) {
    refuse(['labelSmoothing'], 'must be below 0.5, or the wrong label would be the likelier one');
  }
});
