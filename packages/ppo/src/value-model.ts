import { zeros } from '@gram/engine';
import { copyWeights, type Weights, withHead } from '@gram/model';
import type { ModelParts } from './run/run.js';

/**
 * Makes a value model from a copy of a policy's decoder and a head of zeros: it predicts 0 everywhere, so that the first
 * advantages are the rewards themselves. What the paper starts from is not known.
 *
 * @param policy a causal language model; it is not changed
 */
export function valueModelFrom({ config, weights }: ModelParts): ModelParts {
  const decoder = Object.entries(copyWeights(weights)).filter(([name]) => name !== 'lm_head.weight');
  const head: Weights = { 'score.weight': zeros([1, config.hiddenSize]) };
  return { config: withHead(config, 'score'), weights: { ...Object.fromEntries(decoder), ...head } };
}
