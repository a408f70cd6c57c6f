import { INTERVALS } from '../../examples/common/estimates.mjs';
import { accuracyTable, effectTable, primarySentence } from '../../examples/task-adaptation/report.mjs';
import { madeOn, markdownTable, wrapped } from './markdown.mjs';

/** The figures of the study of task adaptation. */
export function adaptationSection(results) {
  const { recipe } = results;
  return [
    wrapped(primarySentence(results, recipe)),
    ...recipe.tasks.flatMap((task) => [
      markdownTable(accuracyTable(results, recipe, task)),
      markdownTable(effectTable(results, recipe, task)),
    ]),
    wrapped(INTERVALS),
    wrapped(madeOn(results.made)),
  ].join('\n\n');
}
