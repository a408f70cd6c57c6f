import { meanOrNull } from '@gram/base';
import type { BenchmarkResult } from './result.js';
import type { ScoreTable } from './table.js';

/** RMB: accuracy of each part; null without items. */
export interface RmbScores {
  readonly parts: Readonly<
    Record<
      'pairwise helpfulness' | 'pairwise harmlessness' | 'best-of-n helpfulness' | 'best-of-n harmlessness',
      number | null
    >
  >;
  /** Unweighted mean of the parts that have items. */
  readonly overall: number | null;
}

/**
 * RMB (Zhou et al. 2024): accuracy over the pairs, and over the best-of-n lists, where an item is right when the best response
 * beats every loser. All items of a part weigh the same, whatever their category; the table of subsets has the categories.
 */
export function rmbScores(results: readonly BenchmarkResult[]): RmbScores {
  const part = (kind: string, goal: string) =>
    meanOrNull(
      results
        .filter(({ subset }) => subset.toLowerCase().startsWith(`${kind}/${goal}/`))
        .map(({ correct }) => correct),
    );
  const parts = {
    'pairwise helpfulness': part('pairwise', 'helpfulness'),
    'pairwise harmlessness': part('pairwise', 'harmlessness'),
    'best-of-n helpfulness': part('best-of-n', 'helpfulness'),
    'best-of-n harmlessness': part('best-of-n', 'harmlessness'),
  };
  return { parts, overall: meanOrNull(Object.values(parts).filter((value) => value !== null)) };
}

/** `rmbScores` as a table. */
export function rmbTable(results: readonly BenchmarkResult[]): ScoreTable {
  const { parts, overall } = rmbScores(results);
  return {
    columns: ['accuracy'],
    rows: [
      ...Object.entries(parts).map(([name, value]) => ({ name, values: [value] })),
      { name: 'Overall', values: [overall] },
    ],
  };
}
