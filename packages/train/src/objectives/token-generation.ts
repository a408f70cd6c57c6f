import { float32 } from '@gram/engine';
import { nextTokenLoss } from '@gram/model';
import { type GenerationExample, supervisedCount } from '../examples/kinds.js';
import type { Vector } from './batch.js';
import type { Objective } from './objective.js';
import { PER_TOKEN, supervisedTokens, type TokenBatch } from './supervised-tokens.js';

type GenerationBatch = TokenBatch & {
  /** `[P]`: the weight of each supervised token. */
  readonly weights: Vector<'float32'>;
};

type GenerationObjective = Objective<GenerationExample, GenerationBatch, never>;

/**
 * Stage 1 of GRAM: learn to write both responses from the prompt, without labels.
 *
 *     L_pre = -log pi([y_a, y_b] | x), the mean over all supervised tokens of the step
 */
export const pairGeneration: GenerationObjective = tokenGeneration('pair-generation');

/**
 * Supervised fine-tuning of a policy: learn to write the demonstrated response from the prompt.
 *
 *     L_sft = -log pi(y | x), the mean over all supervised tokens of the step
 */
export const supervisedFineTuning: GenerationObjective = tokenGeneration('sft');

/** The next-token loss of the supervised tokens; the head runs at their positions only. */
function tokenGeneration(name: string): GenerationObjective {
  return {
    name,
    metrics: [],
    perToken: [...PER_TOKEN, 'weights'],
    length: ({ ids }) => ids.length,
    weight: supervisedCount,
    batch(examples, rows, length, total) {
      const { tokens, positions, targets, count, size } = supervisedTokens(examples, rows, length);
      const weights = Float32Array.from({ length: size }, (_, i) => (i < count ? 1 / total : 0));
      return { tokens, positions, targets, weights: float32([size], weights) };
    },
    loss(config, weights, { tokens, positions, targets, weights: shares, tables }) {
      return {
        loss: nextTokenLoss(config, weights, tokens, positions, targets, shares, tables),
        metrics: {},
      };
    },
  };
}
