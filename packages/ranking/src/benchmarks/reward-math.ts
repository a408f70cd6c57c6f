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
 * `rejected`. The edition for pairs (`RewardMATH_pairwise.json`) has one record for each rejected solution, `{ problem,
 * eval_solution_A: [STEP], eval_solution_B: [STEP], chosen_position: "A" or "B", subject, problem_id }`, and gives the same items. Steps
 * are joined by line breaks. An item is right if the chosen solution beats every other one.
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
  const isPaired = list.some((one) => valueAt(one, 'chosen_position') !== undefined);
  const [chosen, ...rejected] = isPaired ? pairedSolutions(list) : singleSolutions(from, list);
  return {
    id: idOf(list[0] ?? from, 'problem_id'),
    subset: optionalText(list[0] ?? from, 'subject') ?? 'all',
    prompt: textField(list[0] ?? from, 'problem'),
    responses: [chosen, ...rejected],
    pairs: rejected.map((_, at) => [0, at + 1] as const),
    preferred: 'first',
  };
}

/** The chosen solution of a problem and then the others, of one record each. */
function singleSolutions(from: FileRecord, list: readonly FileRecord[]): [string, ...string[]] {
  const [chosen, ...more] = list.filter((one) => typeOf(one) === 'chosen');
  const rejected = list.filter((one) => typeOf(one) === 'rejected');
  if (chosen === undefined || more.length > 0 || rejected.length === 0) {
    throw badField(
      from,
      'solution_type',
      '"chosen" for one solution of the problem and "rejected" for the others',
    );
  }
  return [solutionOf(chosen, 'eval_solution'), ...rejected.map((one) => solutionOf(one, 'eval_solution'))];
}

/** The same of records that have the chosen solution and one of the others. */
function pairedSolutions(list: readonly FileRecord[]): [string, ...string[]] {
  const pairs = list.map((from) => {
    const position = textField(from, 'chosen_position');
    if (position !== 'A' && position !== 'B') throw badField(from, 'chosen_position', '"A" or "B"');
    const other = position === 'A' ? 'B' : 'A';
    const chosenField = `eval_solution_${position}`;
    return {
      from,
      chosenField,
      chosen: solutionOf(from, chosenField),
      rejected: solutionOf(from, `eval_solution_${other}`),
    };
  });
  const chosen = pairs[0]?.chosen ?? '';
  const different = pairs.find((pair) => pair.chosen !== chosen);
  if (different !== undefined) {
    throw badField(
      different.from,
      different.chosenField,
      'the chosen solution of the other pairs of the problem',
    );
  }
  return [chosen, ...pairs.map(({ rejected }) => rejected)];
}

function solutionOf(from: FileRecord, field: string): string {
  return textsField(from, field).join('\n');
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
