import { mean, meanOrNull } from '@gram/base';
import { type BenchmarkResult, responseRewards, topOfScores } from './result.js';
import { groupBy, type ScoreTable } from './table.js';

/** The parts of the score of the subset `Ties` of RewardBench 2. */
export interface TiesScore {
  /** How often every correct response has a higher score than every other one, with one and with several correct ones. */
  readonly refAccuracy: number;
  readonly tiedAccuracy: number;
  /** How often the gap to the best wrong response is larger than the spread of the correct ones. */
  readonly preferred: number;
  /** The same with the smaller one of this gap and that of the reference prompt. */
  readonly preferredHard: number;
  /** Mean of tanh(smaller gap / spread - 1). */
  readonly margin: number;
  /** 0.3 tied + 0.3 ref + 0.2 preferred + 0.2 preferredHard + 0.01 margin. */
  readonly overall: number;
}

/**
 * The score of `Ties` as `process_single_model` of allenai/reward-bench computes it (Malik et al. 2025). A prompt with several
 * correct answers, `tied:N`, belongs to the one with a single answer, `ref:N`. A margin of 0 / 0 counts as 0, any other
 * division by zero as the limit of the tanh. A tied prompt with one correct answer has no spread. The rewards are those of
 * `responseRewards`; only their differences count. Null without any such prompt.
 */
export function tiesScore(results: readonly BenchmarkResult[]): TiesScore | null {
  const [ref, tied] = (['ref', 'tied'] as const).map((kind) => {
    const marker = new RegExp(`(?:^|/)${kind}:(\\d+)$`);
    return new Map(
      results.flatMap((result) => {
        const number = marker.exec(result.id)?.[1];
        const stats = topOfScores(responseRewards(result), result.correctResponses ?? 1);
        return number === undefined ? [] : [[number, stats] as const];
      }),
    );
  }) as [Map<string, ReturnType<typeof topOfScores>>, Map<string, ReturnType<typeof topOfScores>>];
  const both = [...tied.keys()].filter((number) => ref.has(number));
  if (both.length === 0) return null;
  const rate = (values: Iterable<{ gap: number }>) => mean([...values].map(({ gap }) => Number(gap > 0)));
  const pairs = both.map((number) => {
    const { gap, spread } = tied.get(number)!;
    const least = Math.min(gap, ref.get(number)!.gap);
    const margin = spread === 0 ? Math.sign(least) : Math.tanh(least / spread - 1);
    return { preferred: Number(gap > spread), hard: Number(least > spread), margin };
  });
  const parts = {
    refAccuracy: rate(ref.values()),
    tiedAccuracy: rate(tied.values()),
    preferred: mean(pairs.map(({ preferred }) => preferred)),
    preferredHard: mean(pairs.map(({ hard }) => hard)),
    margin: mean(pairs.map(({ margin }) => margin)),
  };
  const accuracy = 0.3 * parts.tiedAccuracy + 0.3 * parts.refAccuracy;
  return {
    ...parts,
    overall: accuracy + 0.2 * parts.preferred + 0.2 * parts.preferredHard + 0.01 * parts.margin,
  };
}

/** Score of each subset of RewardBench 2: best of four, or `tiesScore`; `overall` is their unweighted mean. */
export function rewardBench2Scores(results: readonly BenchmarkResult[]): {
  subsets: { subset: string; score: number | null }[];
  ties: TiesScore | null;
  overall: number | null;
} {
  const groups = groupBy(results, ({ subset }) => subset);
  const ties = tiesScore(groups.get('Ties') ?? []);
  const subsets = [...groups].map(([subset, group]) => ({
    subset,
    score: subset === 'Ties' ? (ties?.overall ?? null) : mean(group.map(({ correct }) => correct)),
  }));
  const known = subsets.map(({ score }) => score).filter((score) => score !== null);
  return { subsets, ties, overall: meanOrNull(known) };
}

/** `rewardBench2Scores` as a table. */
export function rewardBench2Table(results: readonly BenchmarkResult[]): ScoreTable {
  const { subsets, ties, overall } = rewardBench2Scores(results);
  const row = (name: string, value: number | null) => ({ name, values: [value] });
  const parts =
    ties === null
      ? []
      : [
          row('Ties: one correct', ties.refAccuracy),
          row('Ties: several correct', ties.tiedAccuracy),
          row('Ties: gap above spread', ties.preferred),
          row('Ties: gap above spread, hard', ties.preferredHard),
          row('Ties: margin', ties.margin),
        ];
  return {
    columns: ['score'],
    rows: [...subsets.map(({ subset, score }) => row(subset, score)), ...parts, row('Overall', overall)],
  };
}
