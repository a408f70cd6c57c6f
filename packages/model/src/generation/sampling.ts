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
  const weights = new Float64Array(logits.length);
  for (let id = 0; id < weights.length; id++) weights[id] = Math.exp((logits[id]! - top) / temperature);
  const ids = topK === undefined ? withoutTail(weights, topP) : mostLikely(weights, topK);
  if (topK === undefined && topP < 1) sortByWeight(ids, weights);
  const kept = nucleus(ids, weights, topK === undefined ? total(weights) : totalOf(ids, weights), topP);
  const sum = totalOf(kept, weights);
  return { ids: kept, probabilities: kept.map((id) => weights[id]! / sum) };
}

/** The ids that a nucleus can hold: all others together weigh less than 1 - p of the whole. */
function withoutTail(weights: Float64Array, topP: number): number[] {
  const least = ((1 - topP) / weights.length) * total(weights);
  const ids: number[] = [];
  for (let id = 0; id < weights.length; id++) if (weights[id]! >= least) ids.push(id);
  return ids;
}

/** The k ids of the largest weights; of equals, the lower ids. */
function mostLikely(weights: Float64Array, k: number): number[] {
  const bound = k < weights.length ? weights.slice().sort()[weights.length - k]! : 0;
  const ids: number[] = [];
  for (let id = 0; id < weights.length; id++) if (weights[id]! >= bound) ids.push(id);
  return sortByWeight(ids, weights).slice(0, k);
}

/** The first ids, in the order given, whose weights are at least p of the sum; at least one. */
function nucleus(ids: number[], weights: Float64Array, sum: number, topP: number): number[] {
  if (topP === 1) return ids;
  let count = 0;
  let kept = 0;
  while (count < ids.length && (count === 0 || kept < topP * sum)) kept += weights[ids[count++]!]!;
  return ids.slice(0, count);
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

function sortByWeight(ids: number[], weights: Float64Array): number[] {
  return ids.sort((a, b) => weights[b]! - weights[a]! || a - b);
}

function total(weights: Float64Array): number {
  let sum = 0;
  for (const weight of weights) sum += weight;
  return sum;
}

function totalOf(ids: readonly number[], weights: Float64Array): number {
  let sum = 0;
  for (const id of ids) sum += weights[id]!;
  return sum;
}
