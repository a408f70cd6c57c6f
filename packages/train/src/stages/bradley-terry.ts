import type { PreferencePair } from '@gram/data';
import { type ModelConfig, withHead } from '@gram/model';
import { createChatEncoder } from '@gram/tokenize';
import { z } from 'zod';
import { policyPairEncoder, rewardPairEncoder } from '../encoding/encode.js';
import { TrainError } from '../error.js';
import { bradleyTerry as bradleyTerryObjective } from '../objectives/bradley-terry.js';
import { generalizableReward } from '../objectives/generalizable-reward.js';
import { preferencePairs } from './data-kinds.js';
import { completedPlanOf, defineStage, planOf, type Refuse } from './stage.js';

const baseline = z.strictObject({
  scoreHead: z
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .meta({ description: 'width of a score head of two layers', usual: 'a linear head' }),
  freeze: z.boolean().default(false).describe('whether only the score head is trained'),
  positiveRegularization: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of `-log sigmoid` of the mean reward of chosen responses'),
  margin: z
    .boolean()
    .default(false)
    .describe('whether a reward must be higher by the `margin` of its pair, which the data must then have'),
  regularizer: z
    .enum(['sft', 'dpo'])
    .optional()
    .describe('keeps the model able to write (GRM), by imitation or by preference'),
});

type Baseline = z.output<typeof baseline>;

/** The discriminative baseline: a model with a score head, trained with Bradley-Terry, and its variants. */
export const bradleyTerry = defineStage({
  name: 'bradley-terry',
  summary: 'The discriminative baseline: a model that scores one response, trained with Bradley-Terry.',
  example: 'gram bradley-terry --preset smollm2-135m --set data.path=pairs.jsonl --set output=runs/scorer',
  kind: 'discriminative',
  data: preferencePairs,
  settings: {
    baseline: baseline.optional().describe('variants of the baseline that the paper compares with'),
  },
  smoothing: 0,
  presets: {
    paper: { optimizer: { learningRate: 1e-5 } },
    'qwen3-1.7b': { optimizer: { learningRate: 1e-5 } },
    'smollm2-135m': { optimizer: { learningRate: 5e-5 } },
    laptop: { optimizer: { learningRate: 1e-3 } },
  },
  head: (config, { baseline: variant }) => scoringConfig(config, variant),
  trainsHeadOnly: ({ baseline: variant }) => variant?.freeze ?? false,
  usesMargins: ({ baseline: variant }) => variant?.margin ?? false,
  check: ({ baseline: variant, lora }, refuse) => {
    if (variant !== undefined) checkVariant(variant, lora !== undefined, refuse);
  },
  checkItem: (pair, path, { baseline: variant }) => {
    if (variant?.margin) checkMargin(pair, path);
  },
  async plan({ baseline: variant, paperSmoothing }, { encoding, compare }) {
    const { regularizer, positiveRegularization, margin } = variant ?? {};
    const encoder = await createChatEncoder(encoding);
    const policyPairs = policyPairEncoder(encoder);
    if (regularizer === 'sft') return planOf(policyPairs, generalizableReward('sft'));
    if (regularizer === 'dpo') return completedPlanOf(policyPairs, compare, generalizableReward('dpo'));
    const labelSmoothing = paperSmoothing;
    return planOf(
      rewardPairEncoder(encoder),
      bradleyTerryObjective({ labelSmoothing, positiveRegularization, margin }),
    );
  },
});

function scoringConfig(config: ModelConfig, variant: Baseline | undefined): ModelConfig {
  return {
    ...withHead(config, 'score'),
    ...(variant?.scoreHead && { scoreHead: { hiddenSize: variant.scoreHead } }),
    // A tied head is the embedding, which stays anyway.
    ...(variant?.regularizer && !config.tieWordEmbeddings && { keepsLanguageHead: true as const }),
  };
}

function checkVariant({ freeze, margin, regularizer }: Baseline, hasLora: boolean, refuse: Refuse): void {
  if (freeze && hasLora) {
    refuse(['lora'], 'adapts the decoder, which baseline.freeze keeps as it is');
  }
  if (freeze && regularizer !== undefined) {
    refuse(['baseline', 'regularizer'], 'is about the decoder, which baseline.freeze keeps as it is');
  }
  if (margin && regularizer !== undefined) {
    refuse(['baseline', 'margin'], 'has no meaning for GRM, whose loss has no margin');
  }
}

function checkMargin({ id, margin }: PreferencePair, path: string): void {
  if (margin !== undefined) return;
  throw new TrainError(
    'no-data',
    `baseline.margin is set, and pair ${id} of ${path} has no margin`,
    'give each pair a "margin" of 0 or more, such as the difference of two ratings, or train without margins',
  );
}
