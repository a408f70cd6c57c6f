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
 * @param shared length above which prompts of a batch are equally long, see `sharedLength`
 */
export function planBatches(
  requests: readonly GenerationRequest[],
  maxNewTokens: number,
  { batchTokens, shared }: { readonly batchTokens: number; readonly shared: number },
): GenerationBatch[] {
  const order = [...requests.entries()].sort(([i, a], [j, b]) => b.ids.length - a.ids.length || i - j);
  const batches: GenerationBatch[] = [];
  // The requests of the batch that is being filled; the first is the longest.
  let members: [number, GenerationRequest][] = [];
  let completions = 0;
  const capacityOf = ({ ids }: GenerationRequest) => ids.length + maxNewTokens;
  const close = () => {
    const [first] = members;
    if (first === undefined) return;
    batches.push({
      indices: members.map(([index]) => index),
      requests: members.map(([, request]) => request),
      length: first[1].ids.length,
      capacity: capacityOf(first[1]),
    });
    members = [];
    completions = 0;
  };
  for (const entry of order) {
    const [longest = entry] = members;
    const more = entry[1].decodings.length;
    const length = longest[1].ids.length;
    const isApart = length > shared && entry[1].ids.length !== length;
    if (isApart || (completions + more) * capacityOf(longest[1]) > batchTokens) close();
    members.push(entry);
    completions += more;
  }
  close();
  return batches;
}
