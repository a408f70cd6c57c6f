import type { GenerationRequest } from './generation.js';

/** Requests that run together, and the shape that they run in. */
export interface GenerationBatch {
  /** Where each request stands in the list that was planned. */
  readonly indices: readonly number[];
  readonly requests: readonly GenerationRequest[];
  /** Length to which prompts are padded: that of the longest. */
  readonly length: number;
  /** Positions for which the cache has room. */
  readonly capacity: number;
}

/**
 * Puts requests into batches of similar prompt length, the longest first.
 *
 * @param batchTokens the most positions of a batch: completions times capacity; a larger request runs alone
 */
export function planBatches(
  requests: readonly GenerationRequest[],
  maxNewTokens: number,
  batchTokens: number,
): GenerationBatch[] {
  const lengthOf = (index: number) => requests[index]!.ids.length;
  const order = requests.map((_, index) => index).sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  const batches: GenerationBatch[] = [];
  for (let start = 0; start < order.length; ) {
    const length = lengthOf(order[start]!);
    const capacity = length + maxNewTokens;
    const indices: number[] = [];
    let completions = 0;
    for (; start < order.length; start++) {
      const more = requests[order[start]!]!.decodings.length;
      if (indices.length > 0 && (completions + more) * capacity > batchTokens) break;
      indices.push(order[start]!);
      completions += more;
    }
    batches.push({ indices, requests: indices.map((index) => requests[index]!), length, capacity });
  }
  return batches;
}
