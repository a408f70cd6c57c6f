import { ModelError } from '../error.js';
import { decay } from './decay.js';
import type { Decoding } from './generation.js';
import { mostLikely, mostLikelyShare } from './ranking.js';

/**
 * Tokens that may be drawn, with probabilities that sum to 1: the most likely first with top-k or top-p, else in the
 * order of the ids.
 */
export interface Candidates {
  readonly ids: readonly number[];
  readonly probabilities: readonly number[];
}

/**
 * The distribution that a decoding draws from: logits with the repetition penalty (Keskar et al. 2019),
 * softmax(logits / temperature), cut to the k most likely tokens, then to the nucleus (Holtzman et al. 2020), the
 * smallest set of most likely tokens whose probabilities sum to at least p, then to those at least min-p times as
 * likely as the most likely one (Nguyen et al. 2024). Of equally likely tokens the lower id comes first.
 *
 * @param logits `[V]`
 * @param seen tokens of the text so far, which the repetition penalty is for. @default none
 */
export function filteredDistribution(
  logits: Float32Array,
  decoding: Decoding,
  seen: readonly number[] = [],
): Candidates {
  const own = penalized(logits, decoding, seen);
  if (decoding.temperature === 0) return { ids: [argMax(own)], probabilities: [1] };
  const { ids, weights, sum } = keptTokens(own, decoding);
  const places = Array.from(weights.keys()).filter((i) => (weights[i] ?? 0) > 0);
  return {
    ids: ids === undefined ? places : places.map((i) => ids[i] ?? 0),
    probabilities: places.map((i) => (weights[i] ?? 0) / sum),
  };
}

/**
 * Draws the next token by inversion of the cumulative distribution, with one number of the decoding's stream.
 *
 * @param logits `[V]`
 * @param seen see `filteredDistribution`
 */
export function chooseToken(logits: Float32Array, decoding: Decoding, seen: readonly number[] = []): number {
  const own = penalized(logits, decoding, seen);
  if (decoding.temperature === 0) return argMax(own);
  const { ids, weights, sum } = keptTokens(own, decoding);
  if (decoding.random === undefined) {
    throw new ModelError('bad-request', 'a decoding samples without a random stream', 'give random');
  }
  let rest = decoding.random.uniform();
  let place = 0;
  for (let i = 0; i < weights.length; i++) {
    const probability = (weights[i] ?? 0) / sum;
    if (probability === 0) continue;
    // Rounding may leave a remainder at the end: the last token that can be drawn takes it.
    place = i;
    rest -= probability;
    if (rest < 0) break;
  }
  return ids === undefined ? place : (ids[place] ?? 0);
}

/** Tokens that are left after the filters. */
interface Kept {
  /** The most likely first. @default all, in order */
  readonly ids?: Int32Array;
  /** Weight of each of them, relative to the most likely token; 0 for one that was cut. */
  readonly weights: Float64Array;
  readonly sum: number;
}

function keptTokens(logits: Float32Array, { temperature = 1, topK, topP = 1, minP = 0 }: Decoding): Kept {
  const top = logits[argMax(logits)] ?? 0;
  if (topK === undefined && topP === 1) {
    const weights = new Float64Array(logits.length);
    let sum = 0;
    for (let id = 0; id < weights.length; id++) {
      const weight = decay(((logits[id] ?? 0) - top) / temperature);
      if (weight < minP) continue;
      weights[id] = weight;
      sum += weight;
    }
    return { weights, sum };
  }
  const share: { readonly ids: Int32Array; readonly total?: number } =
    topK === undefined ? mostLikelyShare(logits, top, temperature, topP) : { ids: mostLikely(logits, topK) };
  const { ids } = share;
  const weights = new Float64Array(ids.length);
  let total = 0;
  for (let i = 0; i < ids.length; i++) {
    weights[i] = decay(((logits[ids[i] ?? 0] ?? 0) - top) / temperature);
    total += weights[i] ?? 0;
  }
  const goal = topP * (share.total ?? total);
  let count = 0;
  let sum = 0;
  while (count < ids.length && (topP === 1 || sum < goal) && (weights[count] ?? 0) >= minP)
    sum += weights[count++] ?? 0;
  return { ids: ids.subarray(0, count), weights: weights.subarray(0, count), sum };
}

/**
 * Logits of tokens that occurred are divided by the penalty where they are positive, and multiplied by it where they
 * are negative, once however often the token occurred.
 */
function penalized(
  logits: Float32Array,
  { repetitionPenalty = 1 }: Decoding,
  seen: readonly number[],
): Float32Array {
  if (repetitionPenalty === 1) return logits;
  const own = logits.slice();
  for (const id of seen) {
    const logit = logits[id] ?? 0;
    own[id] = logit < 0 ? logit * repetitionPenalty : logit / repetitionPenalty;
  }
  return own;
}

/** The first index of the largest value. */
function argMax(values: Float32Array): number {
  let best = 0;
  let top = values[0] ?? 0;
  for (let i = 1; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value > top) {
      top = value;
      best = i;
    }
  }
  return best;
}
