import { formatPercent as percent } from '@gram/base';
import { lineChart, page } from '@gram/report';
import { verdict } from '@gram-examples/common/estimates';
import { difference, points } from '../report.mjs';
import { testsOf } from './plan.mjs';
import { ELSEWHERE } from './summary.mjs';
import { HELD_OUT } from './texts.mjs';

/** Says which uncertainty the intervals of this study cover. */
export const COVERED =
  'Intervals are of 95 %: over seeds of the labels and test items, of the mean of the runs of stage 1; where there is one seed, or no label, over test items alone. They say nothing of other models or data.';

/** The texts that a model read before the labels, in words. */
const STARTS = {
  base: 'the released model',
  'stage-1': 'after stage 1',
  control: 'after the same responses one at a time',
};

const READOUTS = { likelihood: 'by likelihood', generative: 'label A or B', discriminative: 'Bradley-Terry' };

/** Puts the accuracies that were computed into a table, for the terminal and for the page. */
export function accuracyTable({ points: found }, recipe) {
  const groups = [ELSEWHERE, ...testsOf(recipe)].filter((group) =>
    found.some((point) => point.group === group),
  );
  const rows = new Map();
  for (const { start, readout, labels, group, mean, interval } of found) {
    const key = [READOUTS[readout], STARTS[start], labels].join('\n');
    const cells = rows.get(key) ?? {};
    rows.set(key, {
      ...cells,
      [group]: `${percent(mean)} (${points(interval[0])} to ${points(interval[1])})`,
    });
  }
  return {
    columns: [
      ...[{ name: 'judge' }, { name: 'start' }, { name: 'labels', align: 'right' }],
      ...groups.map((name) => ({ name, align: 'right' })),
    ],
    rows: [...rows].map(([key, cells]) => [...key.split('\n'), ...groups.map((group) => cells[group] ?? '')]),
    caption: COVERED,
  };
}

/** Lists what stage 1 and the control arm change. */
export function effectTable({ effects }) {
  return {
    columns: [
      ...[{ name: 'judge' }, { name: 'difference' }, { name: 'labels', align: 'right' }],
      ...[{ name: 'tests' }, { name: 'points', align: 'right' }],
    ],
    rows: effects
      .filter(({ group }) => [ELSEWHERE, HELD_OUT].includes(group))
      .map(({ starts, readout, labels, group, ...found }) => [
        ...[READOUTS[readout], starts.map((start) => STARTS[start]).join(' minus '), labels, group],
        difference(found),
      ]),
  };
}

/** Says what the comparison that was declared beforehand found, or that it was not computed. */
export function primarySentence({ primary }, recipe) {
  const { readout, starts, labels } = recipe.primary;
  const names = starts.map((start) => STARTS[start]);
  const about = `Declared beforehand: ${READOUTS[readout]} with ${labels} labels, ${ELSEWHERE}, ${names.join(' minus ')}`;
  if (primary === undefined) return `${about} is not computed yet.`;
  const likely = points(primary.detectable);
  return `${about} is ${difference(primary)}. ${verdict(primary, names)} A difference of ${likely} points would be found four times out of five.`;
}

/** Says how much of the study was computed. */
export function piecesSentence({ pieces: { computed, of } }) {
  return computed === of
    ? 'All pieces of the study were computed.'
    : `This is a part of the study: ${computed} of its ${of} pieces were computed.`;
}

/** Makes the page of what was computed. */
export function smallPage({ recipe, summary }) {
  return page({
    title: 'Reward ranking on real text',
    subtitle: 'SmolLM2-135M-Instruct with adapters',
    sections: [
      {
        heading: 'Does learning to write pairs help a judge with few labels?',
        paragraphs: [primarySentence(summary, recipe), piecesSentence(summary), COVERED],
        figures: chartsOf(summary, recipe),
        tables: [accuracyTable(summary, recipe)],
      },
      {
        heading: 'What stage 1 changes, and what reading the same text changes',
        tables: [effectTable(summary)],
      },
    ],
  });
}

/** Accuracy of the declared judge over the number of labels, once there are two numbers to draw. */
function chartsOf({ points: found }, recipe) {
  const { readout } = recipe.primary;
  const countOf = (labels) => (labels === 'all' ? recipe.expected.labels : labels);
  const own = found.filter((point) => point.readout === readout && point.group === ELSEWHERE);
  const series = Object.entries(STARTS).map(([start, name]) => {
    const drawn = own.filter((point) => point.start === start);
    return {
      ...{ name, marks: true },
      points: drawn.map(({ labels, mean }) => [countOf(labels), mean]),
      band: drawn.map(({ labels, interval }) => [countOf(labels), ...interval]),
    };
  });
  if (!series.some((each) => each.points.length > 1)) return [];
  const svg = lineChart({
    title: `${READOUTS[readout]}, ${ELSEWHERE}`,
    ...{ xLabel: 'labeled pairs', yLabel: 'accuracy' },
    series: series.filter((each) => each.points.length > 0),
  });
  return [{ svg, caption: COVERED }];
}
