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
  { rank, size: ranks }: Pick<Place, 'rank' | 'size'> = singleProcess,
): BatchArrays[] {
  const total = examples.reduce((sum, example) => sum + objective.weight(example), 0);
  const batches = [];
  // In turns and not in blocks: examples are sorted by length, and the last block would take the longest.
  for (let i = rank * size; i < examples.length; i += ranks * size) {
    const part = examples.slice(i, i + size);
    const longest = Math.max(...part.map((example) => objective.length(example)));
    const length = Math.ceil(longest / lengthBucket) * lengthBucket;
    batches.push(objective.batch(part, size, length, total));
  }
  return batches;
}
