import { mean, meanOrNull } from '@gram/base';
import { badField, type FileRecord, idOf, textField } from '@gram/data';
import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { textsField } from '../benchmark/fields.js';
import type { BenchmarkItem } from '../benchmark/item.js';
import type { BenchmarkResult, JudgedItem } from '../benchmark/judged-item.js';
import { groupBy, oneColumn, type ScoreTable } from '../benchmark/score-table.js';
import { winRates } from '../ranking/win-rates.js';

/**
 * RewardBench 2 (Malik et al. 2025): records `{ id, subset, prompt, chosen: [], rejected: [] }`, one chosen and three rejected
 * responses, or any number of each in the subset `Ties`, whose ids are `ref:N` or `tied:N`. Every pair of responses is
 * compared.
 *
 * An item counts 1 over the number of responses that share the highest mean probability if a correct one is among them. An
 * item of `Ties` counts 1 if every correct response has a higher reward than every other one; see `responseRewards`.
 */
export const rewardBench2: BenchmarkDefinition = {
  title: 'RewardBench 2',
  parse,
  correctness(item) {
    const { subset, correctResponses = 1 } = item;
    return subset === TIES
      ? Number(topOfScores(responseRewards(item), correctResponses).gap > 0)
      : topOfScores(responseScores(item), correctResponses).credit;
  },
  table,
};

const TIES = 'Ties';

function parse(from: FileRecord): BenchmarkItem {
  const [subset, id] = [textField(from, 'subset'), idOf(from)];
  const [chosen, rejected] = [textsField(from, 'chosen'), textsField(from, 'rejected')];
  if (subset === TIES && !/^(ref|tied):\d+$/.test(id)) throw badField(from, 'id', '"ref:N" or "tied:N"');
  if (subset !== TIES && chosen.length !== 1) throw badField(from, 'chosen', 'a list of one text');
  const responses = [...chosen, ...rejected];
  return {
    id: `${subset}/${id}`,
    subset,
    prompt: textField(from, 'prompt'),
    responses,
    pairs: responses.flatMap((_, a) =>
      responses.slice(a + 1).map((_, offset) => [a, a + 1 + offset] as const),
    ),
    preferred: 'first',
    correctResponses: chosen.length,
  };
}

/** Log-odds are bounded by this; those of the largest probability below 1 are 36.7. */
const LOG_ODDS_LIMIT = 36;

type Compared = Pick<JudgedItem, 'lengths' | 'comparisons'>;

/** The mean probability of each response to be preferred to another one. A pairwise model has no score of its own for a response. */
function responseScores({ lengths, comparisons }: Compared): number[] {
  return winRates(
    comparisons,
    lengths.map(() => 1),
  );
}

/**
 * Computes one reward for each response, where all pairs were compared: the mean log-odds of being preferred, itself included
 * as 0. Of all rewards with mean 0 these fit the log-odds of the pairs best, by least squares; those of a discriminative model
 * are its own, apart from their mean. Log-odds beyond 36 cannot be told from certainty, and count as 36.
 */
function responseRewards({ lengths, comparisons }: Compared): number[] {
  const sums = lengths.map(() => 0);
  const add = (place: number, value: number) => {
    sums[place] = (sums[place] ?? 0) + value;
  };
  for (const { pair, probability } of comparisons) {
    const odds = Math.log(probability) - Math.log1p(-probability);
    const bounded = Math.max(-LOG_ODDS_LIMIT, Math.min(LOG_ODDS_LIMIT, odds));
    add(pair[0], bounded);
    add(pair[1], -bounded);
  }
  return sums.map((sum) => sum / lengths.length);
}

/** Measures of the scores of correct responses beside those of the others. */
interface TopOfScores {
  /** 1 over the number of responses that share the top if a correct one is among them, else 0. */
  readonly credit: number;
  /** Score of the worst correct response minus that of the best other one. */
  readonly gap: number;
  /** Difference between the best and the worst correct response. */
  readonly spread: number;
}

/** Describes scores of which the first `correct` ones belong to correct responses. */
export function topOfScores(scores: readonly number[], correct: number): TopOfScores {
  const [good, bad] = [scores.slice(0, correct), scores.slice(correct)];
  const [best, worst, rival] = [Math.max(...good), Math.min(...good), Math.max(...bad)];
  const sharing = scores.filter((score) => score === best).length;
  return { credit: best >= rival ? 1 / sharing : 0, gap: worst - rival, spread: best - worst };
}

/** The parts of the score of the subset `Ties` of RewardBench 2. */
export interface TiesScore {
  /** Share of the prompts where every correct response has a higher score than every other one, with one and with several correct ones. */
  readonly refAccuracy: number;
  readonly tiedAccuracy: number;
  /** Share of the prompts where the gap to the best wrong response is larger than the spread of the correct ones. */
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
  const [ref, tied] = [topsByNumber(results, 'ref'), topsByNumber(results, 'tied')];
  const both = [...tied].flatMap(([number, top]) => {
    const reference = ref.get(number);
    return reference === undefined ? [] : [{ top, reference }];
  });
  if (both.length === 0) return null;
  const rate = (values: Iterable<{ gap: number }>) => mean([...values].map(({ gap }) => Number(gap > 0)));
  const pairs = both.map(({ top: { gap, spread }, reference }) => {
    const least = Math.min(gap, reference.gap);
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

/** The prompts `KIND:N` of `Ties` by their number. */
function topsByNumber(results: readonly BenchmarkResult[], kind: 'ref' | 'tied'): Map<string, TopOfScores> {
  const marker = new RegExp(`(?:^|/)${kind}:(\\d+)$`);
  return new Map(
    results.flatMap((result) => {
      const number = marker.exec(result.id)?.[1];
      if (number === undefined) return [];
      return [[number, topOfScores(responseRewards(result), result.correctResponses ?? 1)] as const];
    }),
  );
}

/** Computes the score of each subset of RewardBench 2, best of four or `tiesScore`; `overall` is their unweighted mean. */
export function rewardBench2Scores(results: readonly BenchmarkResult[]): {
  subsets: { subset: string; score: number | null }[];
  ties: TiesScore | null;
  overall: number | null;
} {
  const groups = groupBy(results, ({ subset }) => subset);
  const ties = tiesScore(groups.get(TIES) ?? []);
  const subsets = [...groups].map(([subset, group]) => ({
    subset,
    score: subset === TIES ? (ties?.overall ?? null) : mean(group.map(({ correct }) => correct)),
  }));
  const known = subsets.map(({ score }) => score).filter((score) => score !== null);
  return { subsets, ties, overall: meanOrNull(known) };
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  const { subsets, ties, overall } = rewardBench2Scores(results);
  const parts =
    ties === null
      ? []
      : ([
          ['Ties: one correct', ties.refAccuracy],
          ['Ties: several correct', ties.tiedAccuracy],
          ['Ties: gap above spread', ties.preferred],
          ['Ties: gap above spread, hard', ties.preferredHard],
          ['Ties: margin', ties.margin],
        ] as const);
  return oneColumn('score', [
    ...subsets.map(({ subset, score }) => [subset, score] as const),
    ...parts,
    ['Overall', overall],
  ]);
}
