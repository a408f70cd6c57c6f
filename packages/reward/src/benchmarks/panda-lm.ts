import { mean, meanOrNull } from '@gram/base';
import { RewardError } from '../error.js';
import { type BenchmarkResult, predictedClass, verdict } from './result.js';
import type { ScoreTable } from './table.js';

/** How well a model predicts the majority of three annotators. */
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

const classes = ['tie', 'first', 'second'] as const;

/**
 * The metrics of PandaLM (Wang et al. 2023, `data/compute_metrics.py`): accuracy and macro-averaged precision, recall and F1 of
 * the class that `predictedClass` gives.
 *
 * @throws RewardError `no-pairs` for no results
 */
export function pandaLmScores(results: readonly BenchmarkResult[]): PandaLmScores {
  if (results.length === 0) {
    throw new RewardError('no-pairs', 'there are no results to score', 'Give at least one result.');
  }
  const said = results.map(({ comparisons, preferred }) => ({
    label: preferred,
    predicted: predictedClass(comparisons[0]!),
  }));
  const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const perClass = classes.map((name) => {
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
      decided.map(({ comparisons, preferred }) => Number(verdict(comparisons[0]!) === preferred)),
    ),
  };
}

/** `pandaLmScores` as a table. */
export function pandaLmTable(results: readonly BenchmarkResult[]): ScoreTable {
  const { accuracy, precision, recall, f1, decided } = pandaLmScores(results);
  const row = (name: string, value: number | null) => ({ name, values: [value] });
  return {
    columns: ['score'],
    rows: [
      row('Accuracy, three classes', accuracy),
      row('Precision, macro', precision),
      row('Recall, macro', recall),
      row('F1, macro', f1),
      row('Accuracy without ties', decided),
    ],
  };
}
