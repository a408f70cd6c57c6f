import { mean, meanOrNull } from '@gram/base';
import { badField, type FileRecord, idOf, numberField, optionalText, textField, valueAt } from '@gram/data';
import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR } from '../benchmark/item.js';
import {
  type BenchmarkResult,
  type ComparedPair,
  onlyComparison,
  orderVerdict,
  type Verdict,
  verdict,
} from '../benchmark/judged-item.js';
import { oneColumn, type ScoreTable } from '../benchmark/score-table.js';
import { RewardError } from '../comparator/error.js';

/**
 * The test set of PandaLM (Wang et al. 2023): records `{ idx, cmp_key, instruction, input, response1, response2,
 * annotator1..3 }`; 1 or 2 is better, 0 is a tie. The label is the majority of three; of three different votes the first
 * counts, as in the authors' script. The subset is the pair of models. An item is right if `predictedClass` is its label.
 */
export const pandaLm: BenchmarkDefinition = {
  title: 'PandaLM',
  parse,
  correctness: (item) => Number(predictedClass(onlyComparison(item)) === item.preferred),
  table,
};

/** The meaning of a vote of 0, 1 or 2. */
const VOTES = ['tie', 'first', 'second'] as const;

function parse(from: FileRecord): BenchmarkItem {
  const vote = (annotator: number) => {
    const name = `annotator${annotator}`;
    const label = VOTES[numberField(from, name)];
    if (label === undefined) throw badField(from, name, '0, 1 or 2');
    return label;
  };
  const [first, second, third] = [vote(1), vote(2), vote(3)];
  const [instruction, input] = [textField(from, 'instruction'), optionalText(from, 'input') ?? ''];
  return {
    id: idOf(from, 'idx'),
    subset: optionalText(from, 'cmp_key') ?? 'all',
    prompt: input === '' ? instruction : `${instruction}\n\n${input}`,
    responses: [response(from, 'response1'), response(from, 'response2')],
    pairs: ONE_PAIR,
    preferred: second === third ? second : first,
  };
}

/** Six responses of the published file are `true` where a model wrote "True". */
function response(from: FileRecord, name: string): string {
  const value = valueAt(from, name);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return textField(from, name);
}

/**
 * Returns one of three classes: a response that both orders prefer, else a tie. PandaLM's own judge is asked in both orders as
 * well, and a conflict counts as a tie (Wang et al. 2023). A model without orders predicts a tie at exactly 0.5 only.
 */
export function predictedClass({ probability, orders }: ComparedPair): Verdict {
  const [first, second] = orders ?? [probability, probability];
  return orderVerdict(first) === orderVerdict(second) ? orderVerdict(first) : 'tie';
}

/** Agreement of a model with the majority of three annotators. */
export interface PandaLmScores {
  /** Over the three classes: first, second, tie. */
  readonly accuracy: number;
  /** Unweighted means over the three classes; a class that is never predicted (or never the label) counts 0. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Accuracy of the mean probability on the items whose majority is no tie; null without any. */
  readonly decided: number | null;
}

/**
 * The metrics of PandaLM (Wang et al. 2023, `data/compute_metrics.py`): accuracy and macro-averaged precision, recall and F1 of
 * the class that `predictedClass` gives.
 *
 * @throws RewardError `no-pairs` for no results
 */
export function pandaLmScores(results: readonly BenchmarkResult[]): PandaLmScores {
  if (results.length === 0) {
    throw new RewardError('no-pairs', 'there are no results to score', 'give at least one result');
  }
  const said = results.map(({ comparisons, preferred }) => ({
    label: preferred,
    predicted: predictedClass(onlyComparison({ comparisons })),
  }));
  const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const perClass = VOTES.map((name) => {
    const hits = said.filter(({ label, predicted }) => label === name && predicted === name).length;
    const precision = ratio(hits, said.filter(({ predicted }) => predicted === name).length);
    const recall = ratio(hits, said.filter(({ label }) => label === name).length);
    return { precision, recall, f1: ratio(2 * precision * recall, precision + recall) };
  });
  const decided = results.filter(({ preferred }) => preferred !== 'tie');
  return {
    accuracy: mean(said.map(({ label, predicted }) => Number(label === predicted))),
    precision: mean(perClass.map(({ precision }) => precision)),
    recall: mean(perClass.map(({ recall }) => recall)),
    f1: mean(perClass.map(({ f1 }) => f1)),
    decided: meanOrNull(
      decided.map(({ comparisons, preferred }) =>
        Number(verdict(onlyComparison({ comparisons })) === preferred),
      ),
    ),
  };
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  const { accuracy, precision, recall, f1, decided } = pandaLmScores(results);
  return oneColumn('score', [
    ['Accuracy, three classes', accuracy],
    ['Precision, macro', precision],
    ['Recall, macro', recall],
    ['F1, macro', f1],
    ['Accuracy without ties', decided],
  ]);
}
