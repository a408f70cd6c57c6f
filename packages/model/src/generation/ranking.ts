import { decay } from './decay.js';

/**
 * Ids of the logits that are at least `bound`, the largest first; of equals, the lower id first.
 *
 * @param logits `[V]`
 */
function descending(logits: Float32Array, bound: number): Int32Array {
  let count = 0;
  for (let id = 0; id < logits.length; id++) if ((logits[id] ?? 0) >= bound) count++;
  const bits = new Int32Array(logits.buffer, logits.byteOffset, logits.length);
  // Pairs of id and rank are integers of 64 bits with the rank above, and those are sorted natively.
  const pairs = new Int32Array(2 * count);
  let end = 0;
  for (let id = 0; id < logits.length; id++) {
    if (!((logits[id] ?? 0) >= bound)) continue;
    // The bits of a float32 count upwards from 0, and those of a negative one from -2^31.
    const rank = (bits[id] ?? 0) < 0 ? (bits[id] ?? 0) + 2 ** 31 : -(bits[id] ?? 0);
    pairs[end++] = id;
    pairs[end++] = rank;
  }
  new BigInt64Array(pairs.buffer).sort();
  const ids = new Int32Array(count);
  for (let i = 0; i < count; i++) ids[i] = pairs[2 * i] ?? 0;
  return ids;
}

/** Ids of the k largest logits, the largest first; of equals, the lower ids. */
export function mostLikely(logits: Float32Array, k: number): Int32Array {
  const bound = k < logits.length ? kthLargest(logits, k) : Number.NEGATIVE_INFINITY;
  return descending(logits, bound).subarray(0, k);
}

/** The k-th largest number, by a heap of the k largest so far with the least of them on top. */
function kthLargest(values: Float32Array, k: number): number {
  // What is sorted is a heap.
  const heap = values.slice(0, k).sort();
  for (let i = k; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!(value > (heap[0] ?? 0))) continue;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < k && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child++;
      if (child >= k || (heap[child] ?? 0) >= value) break;
      heap[at] = heap[child] ?? 0;
      at = child;
    }
    heap[at] = value;
  }
  return heap[0] ?? 0;
}

// Levels of 1/32 nat down to exp(-32) of the most likely token; the last one has everything below.
const LEVELS = 1024;
const LEVELS_PER_NAT = 32;

/**
 * Ids that hold a share p of softmax(logits / temperature), the most likely first, and some more of those that follow;
 * of equals, the lower id first. With them goes the weight of all tokens, where the most likely has weight 1.
 *
 * Weights are added up by levels of likelihood first, so that only the levels which p reaches are sorted.
 *
 * @param top the largest logit
 */
export function mostLikelyShare(
  logits: Float32Array,
  top: number,
  temperature: number,
  p: number,
): { ids: Int32Array; total: number } {
  const levels = new Float64Array(LEVELS);
  let total = 0;
  for (let id = 0; id < logits.length; id++) {
    const x = ((logits[id] ?? 0) - top) / temperature;
    const weight = decay(x);
    const level = x > -LEVELS / LEVELS_PER_NAT ? (-x * LEVELS_PER_NAT) | 0 : LEVELS - 1;
    levels[level] = (levels[level] ?? 0) + weight;
    total += weight;
  }
  let last = 0;
  for (let sum = levels[0] ?? 0; sum < p * total && last < LEVELS - 1; ) sum += levels[++last] ?? 0;
  // One level more than needed: the bound is rounded, and so are sums.
  const depth = ((last + 2) / LEVELS_PER_NAT) * temperature;
  const bound = last < LEVELS - 1 ? top - depth : Number.NEGATIVE_INFINITY;
  return { ids: descending(logits, bound), total };
}
