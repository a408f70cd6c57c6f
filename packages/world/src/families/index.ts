import type { Family } from '../blueprint.js';
import { arithmetic } from './arithmetic.js';
import { copy } from './copy.js';
import { counting } from './counting.js';
import { harmful } from './harmful.js';
import { harmlessness } from './harmlessness.js';
import { howto } from './howto.js';
import { list } from './list.js';
import { opposite } from './opposite.js';
import { position } from './position.js';
import { reading } from './reading.js';
import { reverse } from './reverse.js';
import { sentiment } from './sentiment.js';
import { sort } from './sort.js';
import { summary } from './summary.js';

/** The families whose pairs are labeled for training. */
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

/** The families that are held out from labels and, by default, from unlabeled pairs. */
export const OUT_OF_DISTRIBUTION: readonly Family[] = [copy, position, counting, opposite];

/** The families to which a trained reward model is adapted. */
export const ADAPTATION: readonly Family[] = [summary, harmlessness];

/** Every family of the world. */
export const FAMILIES: readonly Family[] = [...IN_DISTRIBUTION, ...OUT_OF_DISTRIBUTION, ...ADAPTATION];
