import { createRandom } from '@gram/base';
import { zeros } from '@gram/engine';
import { copyWeights, initAdapter, type Weights, withHead } from '@gram/model';
import type { ModelParts, ValueModel } from './run/run.js';

/**
 * Makes a value model from a policy's decoder and a head of zeros: it predicts 0 everywhere, so that the first advantages are the
 * rewards themselves. What the paper starts from is not known.
 *
 * The decoder is a copy, or, of a policy with an adapter, the same arrays under an adapter of its own. With `sharesPolicy` it is
 * the policy's own decoder, adapter included, and the head is all that the value model adds to the memory.
 *
 * @param policy a causal language model; it is not changed
 */
export function valueModelFrom(
  { config, weights, adapter }: ModelParts,
  { sharesPolicy = false }: Pick<ValueModel, 'sharesPolicy'> = {},
): ValueModel {
  const scoring = withHead(config, 'score');
  const head: Weights = { 'score.weight': zeros([1, config.hiddenSize]) };
  const copies = adapter === undefined && !sharesPolicy;
  const decoder = Object.entries(weights).filter(([name]) => name !== 'lm_head.weight');
  const shared = Object.fromEntries(decoder);
  const parts = { config: scoring, weights: { ...(copies ? copyWeights(shared) : shared), ...head } };
  if (adapter === undefined) return { ...parts, sharesPolicy };
  const { lora } = adapter;
  const adapted = sharesPolicy
    ? { ...adapter.weights, ...head }
    : initAdapter(scoring, lora, head, createRandom(0, 'value adapter'));
  return { ...parts, sharesPolicy, adapter: { lora, weights: adapted } };
}
