import { elementAt } from '../checked.js';
import type { ExampleCodec } from './codec.js';
import {
  type GenerationExample,
  type PolicyPair,
  type PreferenceExample,
  pairLength,
  pairWeight,
  type RewardExample,
  supervisedCount,
} from './kinds.js';

/** Prompts with a response to write: ids and supervised spans; the place where the response begins. */
export const generationCodec: ExampleCodec<GenerationExample> = {
  name: 'generation',
  lists: 2,
  numbers: 1,
  length: ({ ids }) => ids.length,
  weight: supervisedCount,
  write: ({ ids, lossFrom, lossSpans = [] }) => ({
    lists: [ids, lossSpans.flatMap(({ start, end }) => [start, end])],
    numbers: [lossFrom],
  }),
  read({ lists: [ids = [], ends = []], numbers: [lossFrom = 0] }) {
    if (ends.length === 0) return { ids, lossFrom };
    const lossSpans = Array.from({ length: ends.length / 2 }, (_, span) => ({
      start: elementAt(ends, 2 * span),
      end: elementAt(ends, 2 * span + 1),
    }));
    return { ids, lossFrom, lossSpans };
  },
};

/** A weight other than 1, which is that of a pair without one. */
function weighted(weight: number | undefined): { readonly weight?: number } {
  return weight === undefined || weight === 1 ? {} : { weight };
}

/** Judging prompts: ids, and those in the other order; the label, and the weight. */
export const preferenceCodec: ExampleCodec<PreferenceExample> = {
  name: 'preference',
  lists: 2,
  numbers: 2,
  length: ({ ids }) => ids.length,
  weight: pairWeight,
  write: ({ ids, swapped = [], label, weight = 1 }) => ({ lists: [ids, swapped], numbers: [label, weight] }),
  read({ lists: [ids = [], swapped = []], numbers: [number, weight] }) {
    const label = number === 1 ? 1 : 0;
    return { ids, label, ...(swapped.length > 0 && { swapped }), ...weighted(weight) };
  },
};

/** Pairs that are scored: ids of both sides; the margin, which is NaN where there is none, and the weight. */
export const rewardCodec: ExampleCodec<RewardExample> = {
  name: 'reward',
  lists: 2,
  numbers: 2,
  length: ({ chosen, rejected }) => Math.max(chosen.length, rejected.length),
  weight: pairWeight,
  write: ({ chosen, rejected, margin = Number.NaN, weight = 1 }) => ({
    lists: [chosen, rejected],
    numbers: [margin, weight],
  }),
  read({ lists: [chosen = [], rejected = []], numbers: [margin = Number.NaN, weight] }) {
    return { chosen, rejected, ...(!Number.isNaN(margin) && { margin }), ...weighted(weight) };
  },
};

/** Pairs that a policy writes: both sides as `generationCodec` has them; the weight at the end. */
export const policyPairCodec: ExampleCodec<PolicyPair> = {
  name: 'policy-pair',
  lists: 4,
  numbers: 3,
  length: pairLength,
  weight: pairWeight,
  write({ chosen, rejected, weight = 1 }) {
    const sides = [chosen, rejected].map(generationCodec.write);
    const numbers = sides.flatMap((side) => side.numbers);
    return { lists: sides.flatMap(({ lists }) => lists), numbers: [...numbers, weight] };
  },
  read: ({ lists, numbers }) => ({
    chosen: generationCodec.read({ lists: lists.slice(0, 2), numbers: numbers.slice(0, 1) }),
    rejected: generationCodec.read({ lists: lists.slice(2), numbers: numbers.slice(1, 2) }),
    ...weighted(numbers[2]),
  }),
};
