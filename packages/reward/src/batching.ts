import { RewardError } from './error.js';

/** Lengths are rounded up to a multiple of this, so that few shapes occur. */
const LENGTH_STEP = 32;

/** Sequences that run together. */
export interface Batch {
  /** Length to which every row is padded. */
  readonly length: number;
  /** Rows of the batch. Those after the last item are there to fill up the shape. */
  readonly rows: number;
  /** Indices of the sequences, at least one and at most `rows`. */
  readonly items: readonly number[];
}

/**
 * Puts sequences into batches of similar length, each sequence into one batch.
 *
 * Each shape is compiled, so shapes are few: lengths are multiples of 32 and the number of rows follows from the
 * length. Only the last batch is smaller: its rows are the next power of two. The longest sequences come first;
 * should memory not suffice, this shows at once.
 *
 * @param lengths length of each sequence, 1 or more
 * @param batchTokens the most tokens of a batch, padding included; a longer sequence runs alone
 * @throws RewardError `bad-option`
 */
export function bucketBatches(lengths: readonly number[], batchTokens: number): Batch[] {
  if (!Number.isSafeInteger(batchTokens) || batchTokens < 1) {
    throw new RewardError('bad-option', `batchTokens is ${batchTokens}`, 'Give a whole number from 1.');
  }
  const lengthOf = (index: number | undefined) => lengths[index as number] as number;
  const descending = lengths.map((_, index) => index).sort((a, b) => lengthOf(b) - lengthOf(a));
  const batches: Batch[] = [];
  for (let start = 0; start < descending.length; ) {
    const length = Math.ceil(lengthOf(descending[start]) / LENGTH_STEP) * LENGTH_STEP;
    const capacity = Math.max(1, Math.floor(batchTokens / length));
    const items = descending.slice(start, start + capacity);
    const filled = 2 ** Math.ceil(Math.log2(items.length));
    batches.push({ length, rows: Math.min(capacity, filled), items });
    start += capacity;
  }
  return batches;
}
