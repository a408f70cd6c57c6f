import { type Place, singleProcess } from '../distributed/communicator.js';
import type { BatchArrays } from '../objectives/batch.js';
import type { Objective } from '../objectives/objective.js';

/** Sequence lengths are rounded up to a multiple of this, so that few graphs are compiled. */
const lengthBucket = 16;

/**
 * The arrays of one optimizer step, in micro-batches of at most `size` examples. Their weights sum to 1 over all of them;
 * lengths are rounded up to a multiple of 16.
 *
 * @param place of several ranks the one that computes them: it gets every n-th, from its own number on. @default all
 */
export function microBatches<Example>(
  objective: Objective<Example>,
  examples: readonly Example[],
  size: number,
  place?: Pick<Place, 'rank' | 'size'>,
): BatchArrays[] {
  const total = examples.reduce((sum, example) => sum + objective.weight(example), 0);
  return shareOf(examples, size, place).map((part) => batchOf(objective, part, size, total));
}

/** Cuts a list into parts of at most `size`, and returns those of one rank: every n-th, from its own number on. @default all */
export function shareOf<Entry>(
  entries: readonly Entry[],
  size: number,
  { rank, size: ranks }: Pick<Place, 'rank' | 'size'> = singleProcess,
): (readonly Entry[])[] {
  const parts = [];
  // In turns and not in blocks: examples are sorted by length, and the last block would take the longest.
  for (let i = rank * size; i < entries.length; i += ranks * size) parts.push(entries.slice(i, i + size));
  return parts;
}

/** The arrays of one micro-batch of a step whose examples weigh `total` together. */
export function batchOf<Example>(
  objective: Objective<Example>,
  examples: readonly Example[],
  size: number,
  total: number,
): BatchArrays {
  const longest = Math.max(...examples.map((example) => objective.length(example)));
  const length = Math.ceil(longest / lengthBucket) * lengthBucket;
  return objective.batch(examples, size, length, total);
}
