import { RewardError } from '@gram/ranking';

/** Sequences that run together. */
export interface Batch {
  /** Length to which every row is padded: that of the longest. */
  readonly length: number;
  /** Indices of the sequences, at least one. */
  readonly items: readonly number[];
}

/**
 * Puts sequences into batches of similar length, each sequence into one batch. The longest sequences come first, so that a
 * lack of memory shows at once.
 *
 * @param lengths length of each sequence, 1 or more
 * @param batchTokens maximum number of tokens of a batch, padding included; a longer sequence runs alone
 * @param sharedLength length above which the sequences of a batch are equally long. @default no limit
 * @throws RewardError `bad-option`
 */
export function bucketBatches(
  lengths: readonly number[],
  batchTokens: number,
  sharedLength = Number.POSITIVE_INFINITY,
): Batch[] {
  if (!Number.isSafeInteger(batchTokens) || batchTokens < 1) {
    throw new RewardError('bad-option', `batchTokens is ${batchTokens}`, 'give a whole number from 1');
  }
  const descending = lengths.map((length, index) => ({ length, index })).sort((a, b) => b.length - a.length);
  const batches: Batch[] = [];
  for (let rest = descending; rest.length > 0; ) {
    const [{ length } = { length: 1 }] = rest;
    const capacity = Math.max(1, Math.floor(batchTokens / length));
    const equal = rest.findIndex((other) => other.length !== length);
    const count = length > sharedLength && equal > 0 ? Math.min(capacity, equal) : capacity;
    batches.push({ length, items: rest.slice(0, count).map(({ index }) => index) });
    rest = rest.slice(count);
  }
  return batches;
}
