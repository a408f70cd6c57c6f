import { mean, meanOrNull } from '@gram/base';
import { badField, type FileRecord, idOf, optionalText, textField, valueAt } from '@gram/data';
import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { textsField } from '../benchmark/fields.js';
import type { BenchmarkItem } from '../benchmark/item.js';
import { type BenchmarkResult, type JudgedItem, verdict } from '../benchmark/judged-item.js';
import { oneColumn, type ScoreTable } from '../benchmark/score-table.js';

/**
 * RewardMATH (Kim et al. 2024; `dataset/benchmark/RewardMATH_direct.json`): one record for each solution, `{ problem, eval_solution:
 * [STEP], solution_type, subject, problem_id }`, those of a problem one after the other, one of type `chosen` and nine of type
 * `rejected`. Steps are joined by line breaks. An item is right if the chosen solution beats every other one.
 */
export const rewardMath: BenchmarkDefinition = {
  title: 'RewardMATH',
  parse,
  join: joinProblems,
  table,
};

function parse(from: FileRecord): BenchmarkItem {
  const { solutions } = from.record;
  const list = Array.isArray(solutions) ? (solutions as readonly FileRecord[]) : [from];
  const chosen = list.filter((one) => typeOf(one) === 'chosen');
  const rejected = list.filter((one) => typeOf(one) === 'rejected');
  if (chosen.length !== 1 || rejected.length === 0) {
    throw badField(
      from,
      'solution_type',
      '"chosen" for one solution of the problem and "rejected" for the others',
    );
  }
  return {
    id: idOf(list[0] ?? from, 'problem_id'),
    subset: optionalText(list[0] ?? from, 'subject') ?? 'all',
    prompt: textField(list[0] ?? from, 'problem'),
    responses: [...chosen, ...rejected].map((one) => textsField(one, 'eval_solution').join('\n')),
    pairs: rejected.map((_, at) => [0, at + 1] as const),
    preferred: 'first',
  };
}

function typeOf(from: FileRecord): string {
  const type = textField(from, 'solution_type');
  if (type === 'chosen' || type === 'rejected') return type;
  throw badField(from, 'solution_type', '"chosen" or "rejected"');
}

/** Makes one record of the solutions of each problem. */
async function* joinProblems(records: AsyncIterable<FileRecord>): AsyncGenerator<FileRecord> {
  let group: FileRecord[] = [];
  const joined = () => ({ ...(group[0] as FileRecord), record: { solutions: group } });
  for await (const from of records) {
    const [first] = group;
    if (first !== undefined && valueAt(first, 'problem_id') !== valueAt(from, 'problem_id')) {
      yield joined();
      group = [];
    }
    group.push(from);
  }
  if (group.length > 0) yield joined();
}

/** Scores of RewardMATH; null without items. */
export interface RewardMathScores {
  /** Share of problems whose chosen solution beats every other one. */
  readonly accuracy: number | null;
  /** Mean of 1 / (1 + number of solutions that the chosen one does not beat). */
  readonly meanReciprocalRank: number | null;
}

/** Accuracy and mean reciprocal rank, as the authors' script has them for judges of pairs: a tie counts as lost. */
export function rewardMathScores(results: readonly BenchmarkResult[]): RewardMathScores {
  return {
    accuracy: meanOrNull(results.map((result) => Number(notBeaten(result) === 0))),
    meanReciprocalRank:
      results.length === 0 ? null : mean(results.map((result) => 1 / (1 + notBeaten(result)))),
  };
}

function notBeaten({ comparisons }: Pick<JudgedItem, 'comparisons'>): number {
  return comparisons.filter((pair) => verdict(pair) !== 'first').length;
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  const { accuracy, meanReciprocalRank } = rewardMathScores(results);
  return oneColumn('score', [
    ['Accuracy', accuracy],
    ['Mean reciprocal rank', meanReciprocalRank],
  ]);
}
