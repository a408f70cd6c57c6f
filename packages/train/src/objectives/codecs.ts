import { elementAt } from '../checked.js';
import type { ExampleCodec } from '../examples/codec.js';
import type { RewardExample } from './bradley-terry.js';
import { type PolicyPair, pairLength } from './policy-pairs.js';
import type { PreferenceExample } from './preference.js';
import { type GenerationExample, supervisedCount } from './supervised-tokens.js';

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

/** Judging prompts: ids, and those in the other order; the label. */
export const preferenceCodec: ExampleCodec<PreferenceExample> = {
  name: 'preference',
  lists: 2,
  numbers: 1,
  length: ({ ids }) => ids.length,
  weight: () => 1,
  write: ({ ids, swapped = [], label }) => ({ lists: [ids, swapped], numbers: [label] }),
  read({ lists: [ids = [], swapped = []], numbers: [number] }) {
    const label = number === 1 ? 1 : 0;
    return swapped.length === 0 ? { ids, label } : { ids, label, swapped };
  },
};

/** Pairs that are scored: ids of both sides; the margin, which is NaN where there is none. */
export const rewardCodec: ExampleCodec<RewardExample> = {
  name: 'reward',
  lists: 2,
  numbers: 1,
  length: ({ chosen, rejected }) => Math.max(chosen.length, rejected.length),
  weight: () => 1,
  write: ({ chosen, rejected, margin = Number.NaN }) => ({ lists: [chosen, rejected], numbers: [margin] }),
  read({ lists: [chosen = [], rejected = []], numbers: [margin = Number.NaN] }) {
    return Number.isNaN(margin) ? { chosen, rejected } : { chosen, rejected, margin };
  },
};

/** Pairs that a policy writes: both sides as `generationCodec` has them. */
export const policyPairCodec: ExampleCodec<PolicyPair> = {
  name: 'policy-pair',
  lists: 4,
  numbers: 2,
  length: pairLength,
  weight: () => 1,
  write({ chosen, rejected }) {
    const sides = [chosen, rejected].map(generationCodec.write);
    return { lists: sides.flatMap(({ lists }) => lists), numbers: sides.flatMap(({ numbers }) => numbers) };
  },
  read: ({ lists, numbers }) => ({
    chosen: generationCodec.read({ lists: lists.slice(0, 2), numbers: numbers.slice(0, 1) }),
    rejected: generationCodec.read({ lists: lists.slice(2), numbers: numbers.slice(1) }),
  }),
};
