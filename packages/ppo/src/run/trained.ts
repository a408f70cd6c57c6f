import type { AnyArray } from '@gram/engine';
import { adaptedWeights, type PlacedWeights, type Weights } from '@gram/model';
import { adapterPart, headPart, headWeights, type TrainedPart, wholeModel } from '@gram/train';
import type { PlacedModel } from '../rollout/token-meter.js';
import type { ModelParts, ValueModel } from './run.js';

/** A policy or value model where the device keeps it. */
interface PlacedParts extends PlacedModel, Pick<ValueModel, 'sharesPolicy'> {}

/** Returns the arrays of a policy or value model that are trained: all of them, its adapter, or its head alone. */
export function trainedWeights({ config, weights, adapter, sharesPolicy }: ValueModel): Weights {
  const own = adapter?.weights ?? weights;
  return sharesPolicy ? headWeights(config, own) : own;
}

/** Returns how the arrays that are trained stand in their model. */
export function trainedPart({ config, weights, adapter, sharesPolicy }: PlacedParts): TrainedPart {
  if (!sharesPolicy) return adapter === undefined ? wholeModel : adapterPart(config, adapter.lora, weights);
  if (adapter === undefined) return headPart(config, weights);
  const { lora } = adapter;
  // The adapter of the policy stands among the frozen arrays, which are read anew in each step.
  const part = headPart(config, { ...weights, ...adapter.weights });
  return {
    ...part,
    weights: (trained, frozen) => adaptedWeights(config, lora, frozen, { ...frozen, ...trained }),
  };
}

/** Puts the trained arrays of a model, where the device keeps them, in the place of those that it began with. */
export function withTrained<Model extends PlacedModel>(model: Model, trained: PlacedWeights): Model {
  const { weights, adapter } = model;
  if (adapter === undefined) return { ...model, weights: { ...weights, ...trained } };
  return { ...model, adapter: { ...adapter, weights: { ...adapter.weights, ...trained } } };
}

/** Puts what a value model shares with the policy where the device keeps it for the policy. */
export function withShared(value: ValueModel, policy: ModelParts, placed: PlacedModel): PlacedParts {
  const places = new Map<AnyArray, AnyArray<'float32'> | undefined>([
    ...Object.entries(policy.weights).map(([name, array]) => [array, placed.weights[name]] as const),
    ...Object.entries(policy.adapter?.weights ?? {}).map(
      ([name, array]) => [array, placed.adapter?.weights[name]] as const,
    ),
  ]);
  const all = (weights: Weights): PlacedWeights =>
    Object.fromEntries(Object.entries(weights).map(([name, array]) => [name, places.get(array) ?? array]));
  const { weights, adapter, ...rest } = value;
  return {
    ...rest,
    weights: all(weights),
    ...(adapter && { adapter: { lora: adapter.lora, weights: all(adapter.weights) } }),
  };
}

/** Returns the arrays of a model that another one does not have as well. */
export function ownWeights(model: ModelParts, other: ModelParts): Weights {
  const shared = new Set([...Object.values(other.weights), ...Object.values(other.adapter?.weights ?? {})]);
  const all = { ...model.weights, ...model.adapter?.weights };
  return Object.fromEntries(Object.entries(all).filter(([, array]) => !shared.has(array)));
}
