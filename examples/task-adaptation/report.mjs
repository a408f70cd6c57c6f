import { formatPercent as percent } from '@gram/base';
import { lineChart, page } from '@gram/report';
import { INTERVALS, verdict, withInterval } from '@gram-examples/common/estimates';
import { WORLD_NOTE } from '@gram-examples/common/output';
import { ARMS, ORACLE } from './study.mjs';

const right = (name) => ({ name, align: 'right' });
const points = (value) => `${value < 0 ? '' : '+'}${(100 * value).toFixed(1)}`;

/** Accuracies on summaries that the paper reports with 3,000 task labels and models of 8 billion parameters. */
const PAPER = {
  columns: [{ name: 'the paper, summaries' }, right('task labels'), right('accuracy')],
  rows: [
    ['stage 1 (GRAM)', '3,000', '75.6 %'],
    ['stage 1 on the task', '3,000', '74.7 %'],
    ['without stage 1', '3,000', '67.4 %'],
    [ORACLE, '92,000', '77.8 %'],
  ],
  caption:
    'As reported by readers of the full text. Sizes, text and labels differ from ours: compare the order, not the numbers.',
};

/** Puts the accuracies of a task into a table. */
export function accuracyTable({ points: all, oracles }, { units, unit, data }, task) {
  const find = (arm, count) =>
    all.find((point) => point.task === task && point.arm === arm && point.units === count);
  return {
    columns: [
      { name: task },
      ...units.map((count) => right(`${count * unit} labels`)),
      right(`${data.task[task]} labels`),
    ],
    rows: [
      ...ARMS.map(({ name }) => [
        name,
        ...units.map((count) => withInterval(find(name, count), percent)),
        '',
      ]),
      [
        ORACLE,
        ...units.map(() => ''),
        withInterval(
          oracles.find((each) => each.task === task),
          percent,
        ),
      ],
    ],
    caption: `Accuracy on ${data.test} held-out pairs. ${INTERVALS}`,
  };
}

/** Puts the differences of the arms on a task into a table, in percentage points. */
export function effectTable({ effects }, { units, unit }, task) {
  const own = effects.filter((effect) => effect.task === task);
  const names = [...new Set(own.map(({ arms }) => arms.join(' minus ')))];
  return {
    columns: [{ name: `${task}, points` }, ...units.map((count) => right(`${count * unit} labels`))],
    rows: names.map((name) => [
      name,
      ...own
        .filter(({ arms }) => arms.join(' minus ') === name)
        .map((effect) => withInterval(effect, points)),
    ]),
  };
}

/** Says what the comparison found that was declared beforehand. */
export function primarySentence({ primary, seeds }, { unit, tasks }) {
  const { arms, units, detectable } = primary;
  const power =
    detectable === undefined
      ? ''
      : ` A difference of ${points(detectable)} points would be found in four of five cases.`;
  return `Declared beforehand: with ${units * unit} labels of a task, over ${tasks.join(' and ')} and ${seeds} seeds, ${arms.join(' minus ')} is ${withInterval(primary, points)} points. ${verdict(primary, arms)}${power}`;
}

/** Makes the whole page. */
export function reportPage(summary, recipe, seconds) {
  const { tasks, seeds, data, source } = recipe;
  const isWorld = source.kind === 'world';
  return page({
    title: isWorld ? 'Task adaptation in the synthetic world' : 'Task adaptation',
    subtitle: `${seeds.length} seeds, ${data.labeled} labels of other tasks, ${Math.round(seconds)} s`,
    sections: [
      {
        heading: 'Does a judge that learned to write pairs need fewer labels of a new task?',
        paragraphs: [
          primarySentence(summary, recipe),
          ...ARMS.map(({ name, about }) => `${name}: ${about}.`),
          `All learn from the same labels of a task. ${ORACLE}: the base after stage 1 with every label that there is of the task.`,
          ...(isWorld ? [WORLD_NOTE] : []),
          INTERVALS,
        ],
        figures: tasks.map((task) => ({
          svg: adaptationChart(summary, recipe, task),
          caption: 'Areas are 95 % intervals of the two arms that are compared first.',
        })),
        tables: [PAPER],
      },
      {
        heading: 'Accuracy and differences',
        tables: tasks.flatMap((task) => [
          accuracyTable(summary, recipe, task),
          effectTable(summary, recipe, task),
        ]),
      },
    ],
  });
}

/** Draws accuracy over the number of task labels. */
function adaptationChart({ points: all, oracles }, { units, unit, primary }, task) {
  const labels = units.map((count) => count * unit);
  const series = ARMS.map(({ name }) => {
    const own = all.filter((point) => point.task === task && point.arm === name);
    return {
      name,
      marks: true,
      points: own.map(({ mean }, at) => [labels[at], mean]),
      band: own.flatMap(({ interval }, at) =>
        interval && primary.arms.includes(name) ? [[labels[at], ...interval]] : [],
      ),
    };
  });
  const { mean } = oracles.find((each) => each.task === task);
  const ceiling = { name: ORACLE, points: labels.map((count) => [count, mean]) };
  return lineChart({
    ...{ title: task, xLabel: 'task labels', yLabel: 'accuracy' },
    series: [...series, ceiling],
  });
}
