import { INTERVALS } from '../../examples/common/estimates.mjs';
import { questionTable } from '../../examples/reward-ranking/questions/report.mjs';
import {
  accuracyTable,
  effectTable,
  primarySentence,
  unlabeledSentence,
} from '../../examples/reward-ranking/report.mjs';
import * as realText from '../../examples/reward-ranking/small/report.mjs';
import { SPLITS } from '../../examples/reward-ranking/study.mjs';
import { madeOn, markdownTable, wrapped } from './markdown.mjs';

/** The figures of the study of reward ranking. */
export function rankingSection({ recipe, made, points, ...summary }) {
  const find = (arm, labels, split) =>
    points.find((point) => point.arm === arm && point.labels === labels && point.split === split);
  const splits = SPLITS.toReversed();
  return [
    wrapped(primarySentence(summary)),
    wrapped(unlabeledSentence(summary)),
    ...splits.map((split) => markdownTable(accuracyTable({ find, words: summary.words }, recipe, split))),
    ...splits.map((split) => markdownTable(effectTable(summary, split))),
    wrapped(INTERVALS),
    wrapped(madeOn(made)),
  ].join('\n\n');
}

/** The figures of a study of questions, under a heading for each. */
export function questionsSection({ recipe, made, questions }) {
  const sections = questions.map((question) => {
    const table = questionTable(question, recipe);
    const notes = (question.notes ?? []).map(wrapped);
    return [`### ${question.question}`, ...notes, markdownTable(table), wrapped(table.caption)].join('\n\n');
  });
  return [...sections, wrapped(madeOn(made))].join('\n\n');
}

/** The parts in which the study on real text was computed. A run of the whole study takes the place of both. */
export function realTextParts({ labeled, unlabeled }) {
  const isWhole = labeled?.points.some(({ labels }) => labels === 0);
  return (isWhole ? [labeled] : [labeled, unlabeled]).filter((part) => part !== undefined);
}

/** The figures of the study on real text, as far as it was computed: with labels, and without. */
export function realTextSection(results) {
  const parts = realTextParts(results);
  const [first] = parts;
  const { pool, labels, tests } = first.texts;
  const sizes = Object.entries(tests).map(([name, { pairs }]) => `${name} ${pairs}`);
  const read = `Stage 1 reads ${pool.pairs} pairs of ${pool.prompts} prompts; ${labels.pairs} labeled pairs are drawn from; pairs of the tests: ${sizes.join(', ')}.`;
  const tables = parts.flatMap(({ recipe, made, ...summary }) => [
    markdownTable(realText.accuracyTable(summary, recipe)),
    markdownTable(realText.effectTable(summary)),
    wrapped(`${realText.piecesSentence(summary)} ${madeOn(made)}`),
  ]);
  return [
    wrapped(realText.primarySentence(first, first.recipe)),
    wrapped(read),
    ...tables,
    wrapped(realText.COVERED),
  ].join('\n\n');
}
