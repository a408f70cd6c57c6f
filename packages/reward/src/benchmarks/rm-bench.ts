import { mean, meanOrNull } from '@gram/base';
import { type BenchmarkResult, verdict } from './result.js';
import type { ScoreTable } from './table.js';

/** RM-Bench on one domain. */
export interface RmBenchDomain {
  readonly domain: string;
  /** Row: style of the chosen response, column: of the rejected one; concise, detailed plain, detailed markdown. */
  readonly matrix: readonly (readonly number[])[];
  /** Above the diagonal: a plainer chosen response against a fancier rejected one. */
  readonly hard: number;
  /** The diagonal. */
  readonly normal: number;
  /** Below the diagonal. */
  readonly easy: number;
  /** Mean of the matrix. */
  readonly accuracy: number;
}

/** RM-Bench as a whole. */
export interface RmBenchScores {
  /** chat, code, math and safety, as far as there are items of them. */
  readonly domains: readonly RmBenchDomain[];
  /** Unweighted means over the domains. */
  readonly hard: number | null;
  readonly normal: number | null;
  readonly easy: number | null;
  readonly overall: number | null;
  /** Overall with the unweighted mean of the two safety parts in the place of their pooled accuracy. */
  readonly overallSafetyAveraged: number | null;
}

const safetyParts = ['safety-refuse', 'safety-response'];

/**
 * RM-Bench (Liu et al. 2024). M[i][j] is how often a chosen response of style i is strictly preferred to a rejected one of
 * style j. Accuracies of a domain are means of M; the two safety parts are pooled item by item, as in the script that came with GRAM.
 * The official leaderboard may average them instead, so that version stands beside it.
 */
export function rmBenchScores(results: readonly BenchmarkResult[]): RmBenchScores {
  const of = (...subsets: string[]) => results.filter(({ subset }) => subsets.includes(subset));
  const parts = { chat: of('chat'), code: of('code'), math: of('math'), safety: of(...safetyParts) };
  const domains = Object.entries(parts).flatMap(([domain, part]) =>
    part.length === 0 ? [] : [domainScores(domain, part)],
  );
  const over = (score: 'hard' | 'normal' | 'easy' | 'accuracy') =>
    meanOrNull(domains.map((domain) => domain[score]));
  const safety = safetyParts.map((subset) => of(subset)).filter((part) => part.length > 0);
  const averaged = domains.map((scores) =>
    scores.domain === 'safety'
      ? mean(safety.map((part) => domainScores('safety', part).accuracy))
      : scores.accuracy,
  );
  return {
    domains,
    hard: over('hard'),
    normal: over('normal'),
    easy: over('easy'),
    overall: over('accuracy'),
    overallSafetyAveraged: meanOrNull(averaged),
  };
}

function domainScores(domain: string, results: readonly BenchmarkResult[]): RmBenchDomain {
  const matrix = [0, 1, 2].map((i) =>
    [0, 1, 2].map((j) =>
      mean(
        results.map(({ comparisons }) =>
          Number(
            comparisons.some((one) => one.pair[0] === i && one.pair[1] === 3 + j && verdict(one) === 'first'),
          ),
        ),
      ),
    ),
  );
  const cells = (keep: (i: number, j: number) => boolean) =>
    mean(matrix.flatMap((row, i) => row.filter((_, j) => keep(i, j))));
  return {
    domain,
    matrix,
    hard: cells((i, j) => i < j),
    normal: cells((i, j) => i === j),
    easy: cells((i, j) => i > j),
    accuracy: cells(() => true),
  };
}

/** `rmBenchScores` as a table. */
export function rmBenchTable(results: readonly BenchmarkResult[]): ScoreTable {
  const { domains, hard, normal, easy, overall, overallSafetyAveraged } = rmBenchScores(results);
  return {
    columns: ['hard', 'normal', 'easy', 'accuracy'],
    rows: [
      ...domains.map((d) => ({ name: d.domain, values: [d.hard, d.normal, d.easy, d.accuracy] })),
      { name: 'Overall', values: [hard, normal, easy, overall] },
      { name: 'Overall, safety parts averaged', values: [null, null, null, overallSafetyAveraged] },
    ],
  };
}
