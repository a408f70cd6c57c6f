import { formatPercent as percent } from '@gram/base';
import { page } from '@gram/report';
import { INTERVALS } from '@gram-examples/common/estimates';
import { WORLD_NOTE } from '@gram-examples/common/output';
import { points } from '../report.mjs';

/** Puts the settings of a question into a table, for the terminal, the page and the README. */
export function questionTable({ settings }, { data: { test }, seeds, splits }) {
  const compared = [...new Set(settings.flatMap(({ against }) => against ?? []))];
  const difference = compared.length > 0;
  const cells = (setting) =>
    splits.flatMap((split) => {
      const { mean, interval, gain } = setting[split];
      const found = within(percent(mean), interval);
      return difference ? [found, gain ? within(signed(gain.mean), gain.interval) : ''] : [found];
    });
  const columns = splits.flatMap((split) => [
    { name: split.replaceAll('-', ' '), align: 'right' },
    ...(difference ? [{ name: 'difference', align: 'right' }] : []),
  ]);
  const against = compared.length === 1 ? `"${compared[0]}"` : 'the last setting above that has none';
  return {
    columns: [{ name: 'setting' }, ...columns],
    rows: settings.map((setting) => [setting.name, ...cells(setting)]),
    caption: `Accuracy on ${test} pairs over ${seeds.length} seeds${difference ? `, and the difference in points to ${against}` : ''}.`,
  };
}

function within(text, interval) {
  return interval === undefined ? text : `${text} (${points(interval[0])} to ${points(interval[1])})`;
}

function signed(value) {
  return `${value < 0 ? '' : '+'}${points(value)}`;
}

/** Makes the page of all questions. */
export function questionsPage({ recipe, summary, seconds }) {
  return page({
    title: 'Reward ranking, one setting at a time',
    subtitle: `${recipe.seeds.length} seeds, ${Math.round(seconds)} s`,
    sections: summary.map((question, at) => ({
      heading: question.question,
      paragraphs: [...(at === 0 ? [INTERVALS, WORLD_NOTE] : []), ...(question.notes ?? [])],
      tables: [questionTable(question, recipe)],
    })),
  });
}
