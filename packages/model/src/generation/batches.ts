import type { GenerationRequest } from './generation.js';

/** Prompts are padded to a multiple of this, caches to a multiple of twice as much: few shapes are compiled. */
const LENGTH_STEP = 16;

/** Requests that run together, and the shape that they run in. */
export interface GenerationBatch {
  /** Where each request stands in the list that was planned. */
  readonly indices: readonly number[];
  readonly requests: readonly GenerationRequest[];
  /** Length to which prompts are padded. */
  readonly length: number;
  /** Positions for which the cache has room. */
  readonly capacity: number;
  /** Rows of prompts and of completions; those after the last one fill up the shape. */
  readonly promptRows: number;
  readonly rows: number;
}

/**
 * Puts requests into batches of similar prompt length, the longest first.
 *
 * @param batchTokens the most positions of a batch: completions, before they are rounded up to a power of two, times
 *   capacity; a larger request runs alone
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
    const length = roundUp(lengthOf(order[start]!), LENGTH_STEP);
    const capacity = roundUp(length + maxNewTokens, 2 * LENGTH_STEP);
    const indices: number[] = [];
    let completions = 0;
    for (; start < order.length; start++) {
      const more = requests[order[start]!]!.decodings.length;
      if (indices.length > 0 && (completions + more) * capacity > batchTokens) break;
      indices.push(order[start]!);
      completions += more;
    }
    batches.push({
      indices,
      requests: indices.map((index) => requests[index]!),
      length,
      capacity,
      promptRows: powerOfTwo(indices.length),
      rows: powerOfTwo(completions),
    });
  }
  return batches;
}

/** The smallest power of two that is not below `count`, from 1 on. */
export function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
