import { plainChat } from '@gram/tokenize';
import type { PresetName, Written } from '../stages/stage.js';
import { stageOf, type TrainingStage } from '../stages/table.js';

/** Values that a configuration is laid over. */
export interface Preset {
  /** One line: what for, and where the values come from. */
  readonly summary: string;
  /** Values of every stage. */
  readonly common: Written;
  /** Which values of a stage are laid over those. */
  readonly values: PresetName;
}

/**
 * The settings of Wang et al. 2025: one epoch with a learning rate of 2e-5 in stage 1 and 1e-5 in stage 2 and for the
 * baselines, label smoothing 0.1, batches of 256 for the baselines. What the paper leaves open is as in the authors' published
 * configuration: cosine with a tenth of the steps for warm-up, 2048 tokens.
 */
function paper(model: string): Preset {
  return {
    summary: `${model} as in the paper`,
    common: {
      init: { model, judgePrompt: 'gram-eval-1', chat: 'template' },
      maxLength: 2048,
      overlong: 'truncate',
      optimizer: { batchSize: 256, microBatchSize: 2 },
    },
    values: 'paper',
  };
}

/** The presets by name. */
export const presets: Readonly<Record<string, Preset>> = {
  'paper-llama-3.2-3b': paper('meta-llama/Llama-3.2-3B-Instruct'),
  'paper-llama-3.1-8b': paper('meta-llama/Llama-3.1-8B-Instruct'),
  'qwen3-1.7b': {
    summary: 'Qwen/Qwen3-1.7B with the values of the configuration that the authors published',
    common: {
      init: { model: 'Qwen/Qwen3-1.7B', judgePrompt: 'gram-eval-1', chat: 'template' },
      maxLength: 2048,
      overlong: 'truncate',
      optimizer: { batchSize: 256, microBatchSize: 2 },
    },
    values: 'qwen3-1.7b',
  },
  'smollm2-135m': {
    summary: 'HuggingFaceTB/SmolLM2-135M-Instruct on two cores, with values of our own',
    common: {
      init: { model: 'HuggingFaceTB/SmolLM2-135M-Instruct', judgePrompt: 'gram-compact-1', chat: 'template' },
      maxLength: 512,
      overlong: 'truncate',
      optimizer: { batchSize: 32, microBatchSize: 4 },
    },
    values: 'smollm2-135m',
  },
  laptop: {
    summary: 'a new model of a million parameters, trained in minutes, with values of our own',
    common: {
      init: {
        scratch: {
          vocabSize: 1024,
          hiddenSize: 128,
          intermediateSize: 384,
          numHiddenLayers: 4,
          numAttentionHeads: 4,
          numKeyValueHeads: 2,
          maxPositionEmbeddings: 1024,
        },
        chat: plainChat.id,
      },
      maxLength: 1024,
      overlong: 'truncate',
      optimizer: { batchSize: 32, weightDecay: 0.01, betas: [0.9, 0.98] },
    },
    values: 'laptop',
  },
};

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lays mappings over each other; anything but a mapping takes the place of what was there. */
function layered(under: unknown, over: unknown): unknown {
  return isMapping(under) && isMapping(over) ? merged(under, over) : over;
}

function merged(under: Written, over: Written): Written {
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    result[key] = Object.hasOwn(under, key) ? layered(under[key], value) : value;
  }
  return result;
}

/**
 * Lays a configuration over its preset. A model of its own replaces a new one of the preset, and the other way
 * round; a policy has no judging prompt.
 */
export function withPreset(
  { common, values: name }: Preset,
  stage: TrainingStage,
  written: Written,
): Written {
  const { init, ...values } = merged(common, stageOf(stage).presets[name]);
  const own = isMapping(written.init) ? written.init : {};
  const dropped = new Set<string>();
  if ('model' in own) dropped.add('scratch');
  if ('scratch' in own) dropped.add('model');
  if (stageOf(stage).kind === 'policy') dropped.add('judgePrompt');
  const kept = Object.entries(isMapping(init) ? init : {}).filter(([key]) => !dropped.has(key));
  return merged({ ...values, init: Object.fromEntries(kept) }, written);
}
