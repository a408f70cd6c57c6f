import type { Decoding } from './generation.js';

/**
 * Tokens that may be drawn, with probabilities that sum to 1: the most likely first where a filter is on, else in the
 * order of the ids.
 */
export interface Candidates {
  readonly ids: readonly number[];
  readonly probabilities: readonly number[];
}

/**
 * The distribution that a decoding draws from: softmax(logits / temperature), cut to the k most likely tokens, then to
 * the nucleus (Holtzman et al. 2020), the smallest set of most likely tokens whose probabilities sum to at least p.
 * Of equally likely tokens the lower id comes first.
 *
 * @param logits `[V]`
 */
export function filteredDistribution(
  logits: Float32Array,
  { temperature = 1, topK, topP = 1 }: Decoding,
): Candidates {
  if (temperature === 0) return { ids: [argMax(logits)], probabilities: [1] };
  const top = logits[argMax(logits)]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - top) / temperature));
  let ids = Array.from(weights.keys());
  if (topK !== undefined && topK < ids.length) {
    const bound = weights.slice().sort()[weights.length - topK]!;
    ids = byWeight(
      weights,
      ids.filter((id) => weights[id]! >= bound),
    ).slice(0, topK);
  }
  const sum = ids.reduce((total, id) => total + weights[id]!, 0);
  // All tokens below this together are less than 1 - p: the nucleus needs none of them, and is sorted faster.
  const least = ((1 - topP) / ids.length) * sum;
  if (topP < 1) ids = ids.filter((id) => weights[id]! >= least);
  if (topK !== undefined || topP < 1) ids = byWeight(weights, ids);
  let count = 0;
  let kept = 0;
  while (count < ids.length && (topP === 1 || count === 0 || kept < topP * sum))
    kept += weights[ids[count++]!]!;
  ids = ids.slice(0, count);
  return { ids, probabilities: ids.map((id) => weights[id]! / kept) };
}

/**
 * Draws the next token by inversion of the cumulative distribution, with one number of the decoding's stream.
 *
 * @param logits `[V]`
 */
export function chooseToken(logits: Float32Array, decoding: Decoding): number {
  if (decoding.temperature === 0) return argMax(logits);
  const { ids, probabilities } = filteredDistribution(logits, decoding);
  let rest = decoding.random!.uniform();
  for (const [i, id] of ids.entries()) {
    rest -= probabilities[i]!;
    if (rest < 0) return id;
  }
  // Rounding may leave a remainder of some 1e-16.
  return ids.at(-1)!;
}

/** log softmax(logits)[token] in nats. */
export function logProbability(logits: Float32Array, token: number): number {
  const top = logits[argMax(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  return logits[token]! - top - Math.log(sum);
}

/** The first index of the largest value. */
function argMax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function byWeight(weights: Float64Array, ids: number[]): number[] {
  return ids.sort((a, b) => weights[b]! - weights[a]! || a - b);
}
