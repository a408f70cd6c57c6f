import { mean, meanOrNull } from '@gram/base';
import { DataError, type FileRecord } from '@gram/data';
import type { BenchmarkDefinition, DataFile } from '../benchmark/definition.js';
import type { BenchmarkItem } from '../benchmark/item.js';
import { type BenchmarkResult, onlyComparison, orderVerdict } from '../benchmark/judged-item.js';
import { labeledPair } from '../benchmark/labeled-pair.js';
import { groupBy, type ScoreTable } from '../benchmark/score-table.js';

/** Parts of file names that tell the subsets. The folder that LLMBar publishes also holds other sets in the same form. */
const FILE_NAMES = /natural|neighbor|gptinst|gptout|manual/i;

/** The subset of each of these parts. */
const SUBSETS = new Map([
  ['natural', 'natural'],
  ['neighbor', 'adver-neighbor'],
  ['gptinst', 'adver-GPTInst'],
  ['gptout', 'adver-GPTOut'],
  ['manual', 'adver-manual'],
]);

/** LLMBar (Zeng et al. 2023): records `{ input, output_1, output_2, label }`; the name of the file tells the subset. */
export const llmBar: BenchmarkDefinition = {
  title: 'LLMBar',
  parse: (from: FileRecord, file: DataFile): BenchmarkItem => labeledPair(from, subsetOf(file)),
  fileNames: FILE_NAMES,
  table,
};

function subsetOf({ path, stem }: DataFile): string {
  const subset = SUBSETS.get(FILE_NAMES.exec(stem)?.[0].toLowerCase() ?? '');
  if (subset !== undefined) return subset;
  throw new DataError(
    'bad-record',
    `cannot tell which subset of LLMBar ${path} is`,
    'name the file as it was published: natural, adver-neighbor, adver-GPTInst, adver-GPTOut or adver-manual',
  );
}

/** Accuracy on a group of subsets of LLMBar; null without items. */
export interface LlmBarScore {
  readonly group: string;
  /** Mean accuracy of both orders: the official score. */
  readonly orders: number | null;
  /** Accuracy of the mean probability. */
  readonly mean: number | null;
}

/** Computes the scores of LLMBar: Natural, the unweighted mean of the adversarial subsets, and that of all. */
export function llmBarScores(results: readonly BenchmarkResult[]): LlmBarScore[] {
  const subsets = [...groupBy(results, ({ subset }) => subset)];
  const over = (group: string, parts: readonly (readonly [string, readonly BenchmarkResult[]])[]) => ({
    group,
    orders: meanOrNull(parts.map(([, part]) => mean(part.map(accuracyOfOrders)))),
    mean: meanOrNull(parts.map(([, part]) => mean(part.map(({ correct }) => correct)))),
  });
  return [
    over(
      'Natural',
      subsets.filter(([subset]) => subset === 'natural'),
    ),
    over(
      'Adversarial, mean of subsets',
      subsets.filter(([subset]) => subset !== 'natural'),
    ),
    over('Mean of all subsets', subsets),
  ];
}

function accuracyOfOrders(result: BenchmarkResult): number {
  const { orders, probability } = onlyComparison(result);
  const both = orders ?? [probability, probability];
  return mean(both.map((order) => Number(orderVerdict(order) === result.preferred)));
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  return {
    columns: ['mean of both orders', 'mean probability'],
    rows: llmBarScores(results).map((score) => ({ name: score.group, values: [score.orders, score.mean] })),
  };
}
