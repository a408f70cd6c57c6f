import type { Family } from '../blueprint.js';
import { arithmetic } from './arithmetic.js';
import { harmful } from './harmful.js';
import { harmlessness } from './harmlessness.js';
import { howto } from './howto.js';
import { list } from './list.js';
import { counting, opposite, position } from './lookups.js';
import { reading } from './reading.js';
import { sentiment } from './sentiment.js';
import { copy, reverse, sort } from './sequences.js';
import { summary } from './summary.js';

/** Families that preference labels are given for in training. */
export const IN_DISTRIBUTION: readonly Family[] = [
  arithmetic,
  reverse,
  sort,
  list,
  sentiment,
  reading,
  howto,
  harmful,
];

/** Families held out as a whole from labels and, by default, from unlabeled pairs. */
export const OUT_OF_DISTRIBUTION: readonly Family[] = [copy, position, counting, opposite];

/** Families to adapt a trained reward model to. */
export const ADAPTATION: readonly Family[] = [summary, harmlessness];
