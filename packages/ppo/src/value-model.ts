import { zeros } from '@gram/engine';
import { copyWeights, type LlamaConfig, type Weights } from '@gram/model';
import type { ModelParts } from './run.js';

/**
 * A value model that begins as a copy of a policy's decoder, with a head of zeros: it predicts 0 everywhere, so that the
 * first advantages are the rewards themselves. What the paper starts from is not known.
 *
 * @param policy a `LlamaForCausalLM`; it is not changed
 */
export function valueModelFrom({ config, weights }: ModelParts): ModelParts {
  const decoder = Object.entries(copyWeights(weights)).filter(([name]) => name !== 'lm_head.weight');
  const head: Weights = { 'score.weight': zeros([1, config.hiddenSize]) };
  const valueConfig: LlamaConfig = { ...config, architecture: 'LlamaForSequenceClassification' };
  return { config: valueConfig, weights: { ...Object.fromEntries(decoder), ...head } };
}
