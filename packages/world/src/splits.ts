import { createRandom } from '@gram/base';
import type { Family } from './blueprint.js';
import { ADAPTATION, FAMILIES, IN_DISTRIBUTION, OUT_OF_DISTRIBUTION } from './families/index.js';

/**
 * A split of the world. `unlabeled`, `labeled`, `adaptation-train`, `sft` (prompts of the demonstrations) and `policy`
 * (prompts that a policy answers while it learns from a reward) hold training prompts, the others hold test
 * prompts; no prompt is on both sides. `policy-validation` and `policy-test` share no prompt either.
 */
export type Split =
  | 'unlabeled'
  | 'labeled'
  | 'in-distribution'
  | 'out-of-distribution'
  | 'adaptation-train'
  | 'adaptation-test'
  | 'sft'
  | 'policy'
  | 'policy-validation'
  | 'policy-test';

/** A part of all prompts: 70 % are for training, 9 % for validation and 21 % for tests. */
type Part = 'train' | 'validation' | 'test';

const HELD_OUT: readonly Part[] = ['validation', 'test'];

const PARTS: Readonly<Record<Split, readonly Part[]>> = {
  unlabeled: ['train'],
  labeled: ['train'],
  'in-distribution': HELD_OUT,
  'out-of-distribution': HELD_OUT,
  'adaptation-train': ['train'],
  'adaptation-test': HELD_OUT,
  sft: ['train'],
  policy: ['train'],
  'policy-validation': ['validation'],
  'policy-test': ['test'],
};

/** Lists the families of each split; only those of `unlabeled` depend on the options of the world. */
export function familiesBySplit(
  unlabeled: 'in-distribution' | 'all',
): Readonly<Record<Split, readonly Family[]>> {
  return {
    unlabeled: unlabeled === 'all' ? FAMILIES : IN_DISTRIBUTION,
    labeled: IN_DISTRIBUTION,
    'in-distribution': IN_DISTRIBUTION,
    'out-of-distribution': OUT_OF_DISTRIBUTION,
    'adaptation-train': ADAPTATION,
    'adaptation-test': ADAPTATION,
    sft: IN_DISTRIBUTION,
    policy: IN_DISTRIBUTION,
    'policy-validation': IN_DISTRIBUTION,
    'policy-test': IN_DISTRIBUTION,
  };
}

/** Whether a split may hold a prompt. The text of the prompt decides, so that no two parts share one. */
export function belongsTo(split: Split, prompt: string): boolean {
  return PARTS[split].includes(partOf(prompt));
}

function partOf(prompt: string): Part {
  if (createRandom(0, 'side', prompt).uniform() < 0.7) return 'train';
  return createRandom(0, 'part', prompt).uniform() < 0.3 ? 'validation' : 'test';
}
