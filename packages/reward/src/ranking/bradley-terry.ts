import type { Pair } from './plan.js';

/** A pair that was compared, and the probability that its earlier response is preferred. */
export interface Game {
  readonly pair: Pair;
  readonly probability: number;
}

const TOLERANCE = 1e-10;
/** The fit converges by itself; this bounds its time whatever it is given. */
const MOST_ITERATIONS = 10_000;

/**
 * Strengths s of a Bradley-Terry model, P(i preferred to j) = s_i / (s_i + s_j), as logarithms whose mean is 0: the sigmoid of
 * one is the probability of being preferred to a response of mean strength.
 *
 * They maximise the likelihood, where a comparison of probability p counts as a win of weight p and a loss of weight 1 - p,
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
  for (const {
    pair: [a, b],
    probability,
  } of games) {
    counts[a * n + b]! += 1;
    counts[b * n + a]! += 1;
    wins[a]! += probability;
    wins[b]! += 1 - probability;
  }
  const logs = new Float64Array(n);
  const strengths = new Float64Array(n).fill(1);
  const sums = new Float64Array(n);
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    sums.fill(0);
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        const share = counts[i * n + j]! / (strengths[i]! + strengths[j]!);
        sums[i]! += share;
        sums[j]! += share;
      }
    }
    const next = sums.map((sum, i) => Math.log(wins[i]! / sum));
    const mean = next.reduce((sum, log) => sum + log, 0) / n;
    let change = 0;
    for (let i = 0; i < n; i++) {
      const log = next[i]! - mean;
      change = Math.max(change, Math.abs(log - logs[i]!));
      logs[i] = log;
      strengths[i] = Math.exp(log);
    }
    if (change < TOLERANCE) break;
  }
  return Array.from(logs);
}
