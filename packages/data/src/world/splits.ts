import { createRandom } from '@gram/base';
import type { Family } from './blueprint.js';
import { ADAPTATION, IN_DISTRIBUTION, OUT_OF_DISTRIBUTION } from './families/index.js';

/**
 * Splits of the world. `unlabeled`, `labeled`, `adaptation-train`, `sft` (prompts of the demonstrations) and `policy`
 * (prompts that a policy answers while it learns from a reward) hold training prompts, the others test prompts; no
 * prompt text is on both sides. `policy-validation` and `policy-test` share no prompt either.
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

/** The part of all prompts that one falls into: 70 % are for training, 9 % for validation, 21 % for tests. */
type Part = 'train' | 'validation' | 'test';

const heldOut: readonly Part[] = ['validation', 'test'];

const parts: Readonly<Record<Split, readonly Part[]>> = {
  unlabeled: ['train'],
  labeled: ['train'],
  'in-distribution': heldOut,
  'out-of-distribution': heldOut,
  'adaptation-train': ['train'],
  'adaptation-test': heldOut,
  sft: ['train'],
  policy: ['train'],
  'policy-validation': ['validation'],
  'policy-test': ['test'],
};

/** Every family of the world. */
export const FAMILIES: readonly Family[] = [...IN_DISTRIBUTION, ...OUT_OF_DISTRIBUTION, ...ADAPTATION];

/** The families of each split; `unlabeled` alone depends on the world. */
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

/** Whether a prompt may stand in a split; decided by its text, so that parts never share one. */
export function belongsTo(split: Split, prompt: string): boolean {
  return parts[split].includes(partOf(prompt));
}

function partOf(prompt: string): Part {
  if (createRandom(0, 'side', prompt).uniform() < 0.7) return 'train';
  return createRandom(0, 'part', prompt).uniform() < 0.3 ? 'validation' : 'test';
}
