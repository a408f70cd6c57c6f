import type { Game } from './plan.js';

const TOLERANCE = 1e-10;
/** The fit converges by itself; this bounds its time whatever it is given. */
const ITERATION_LIMIT = 10_000;

/**
 * Fits the strengths s of a Bradley-Terry model, P(i preferred to j) = s_i / (s_i + s_j). They are returned as logarithms whose
 * mean is 0: the sigmoid of one is the probability of being preferred to a response of mean strength.
 *
 * They maximize the likelihood, where a comparison of probability p counts as a win of weight p and a loss of weight 1 - p,
 * by the MM algorithm of Hunter (2004, Annals of Statistics 32, equation 3):
 *
 *     s_i <- w_i / sum_j n_ij / (s_i + s_j)      w_i: wins of i, n_ij: games of i and j
 *
 * A response that wins everything would have infinite strength, and responses that no chain of games joins would have no
 * strengths relative to each other. So each response gets `priorGames` more, in equal parts against all others, half won and
 * half lost. Between two responses of a round robin that does not change which of them is stronger.
 *
 * @param n number of responses, at least 2
 * @param priorGames above 0; orders hardly depend on it from 0.1 to 1, but with 0.1 a fit to certain probabilities takes
 * thousands of steps
 */
export function fitBradleyTerry(n: number, games: readonly Game[], priorGames = 1): number[] {
  const counts = new Float64Array(n * n).fill(priorGames / (n - 1));
  const wins = new Float64Array(n).fill(priorGames / 2);
  for (const { pair, probability } of games) {
    const [a, b] = pair;
    counts[a * n + b] = at(counts, a * n + b) + 1;
    counts[b * n + a] = at(counts, b * n + a) + 1;
    wins[a] = at(wins, a) + probability;
    wins[b] = at(wins, b) + (1 - probability);
  }
  let logs = new Float64Array(n);
  for (let iteration = 0; iteration < ITERATION_LIMIT; iteration++) {
    const next = improved(logs.map(Math.exp), counts, wins);
    const change = next.reduce((most, log, i) => Math.max(most, Math.abs(log - at(logs, i))), 0);
    logs = next;
    if (change < TOLERANCE) break;
  }
  return Array.from(logs);
}

/** One step of the algorithm: logarithms of new strengths, whose mean is 0. */
function improved(
  strengths: Float64Array,
  counts: Float64Array,
  wins: Float64Array,
): Float64Array<ArrayBuffer> {
  const n = strengths.length;
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const share = at(counts, i * n + j) / (at(strengths, i) + at(strengths, j));
      sums[i] = at(sums, i) + share;
      sums[j] = at(sums, j) + share;
    }
  }
  const logs = sums.map((sum, i) => Math.log(at(wins, i) / sum));
  const mean = logs.reduce((sum, log) => sum + log, 0) / n;
  return logs.map((log) => log - mean);
}

/** An element that is there; the compiler cannot know that. */
function at(values: Float64Array, index: number): number {
  return values[index] ?? Number.NaN;
}
