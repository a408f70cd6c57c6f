import { RewardError } from '@gram/ranking';

/** Sequences that run together. */
export interface Batch {
  /** Length to which every row is padded: that of the longest. */
  readonly length: number;
  /** Indices of the sequences, at least one. */
  readonly items: readonly number[];
}

/**
 * Puts sequences into batches of similar length, each sequence into one batch.
 *
 * The longest sequences come first; should memory not suffice, this shows at once.
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
    const length = lengthOf(descending[start]);
    const capacity = Math.max(1, Math.floor(batchTokens / length));
    batches.push({ length, items: descending.slice(start, start + capacity) });
    start += capacity;
  }
  return batches;
}
