import { bootstrapInterval, createRandom, mean, pairedBootstrap, formatPercent as percent } from '@gram/base';
import { lineChart, page } from '@gram/report';
import { WORLD_NOTE } from '@gram-examples/common/output';

const points = (value) => (100 * value).toFixed(1);
const random = (...stream) => createRandom(0, 'adaptation report', ...stream);

/**
 * Puts the seeds together: one accuracy for each task, model and amount of data, over the test pairs of all seeds. All
 * models judge the same pairs, so differences are paired.
 */
export function summarize(outcomes, { tasks, units }) {
  const all = outcomes[0].points.map(({ task, line, units: count }, i) => {
    const correct = outcomes.flatMap((outcome) => outcome.points[i].correct);
    return {
      task,
      line,
      units: count,
      correct,
      accuracy: mean(correct),
      interval: bootstrapInterval(correct, random(task, line, count)),
    };
  });
  const lines = [...new Set(all.map(({ line }) => line))];
  const find = (task, line, count) =>
    all.find((point) => point.task === task && point.line === line && point.units === count);
  const [foundation, ...others] = lines;
  const most = units.at(-1);
  const sentences = tasks.flatMap((task) => {
    const own = (count) => find(task, foundation, count);
    const rise = pairedBootstrap(own(most).correct, own(0).correct, random(task, 'rise'));
    return [
      `${task}: with ${most} units the ${foundation} gains ${interval(rise)} points.`,
      ...others.map((other) => {
        const few = units.find((count) => count > 0);
        const gap = pairedBootstrap(
          own(few).correct,
          find(task, other, few).correct,
          random(task, other, 'gap'),
        );
        const target = find(task, other, most).accuracy;
        const needed = units.find((count) => own(count).accuracy >= target);
        const reach =
          needed === undefined
            ? `It does not reach the accuracy which that model has with ${most}`
            : `With ${needed} ${needed === 1 ? 'unit' : 'units'} it has the accuracy which that model has with ${most}`;
        return `${task}: with ${few} unit the ${foundation} minus ${other} is ${interval(gap)} points. ${reach}.`;
      }),
    ];
  });
  return { all, lines, find, sentences };
}

function interval({ difference, interval: [low, high] }) {
  return `${points(difference)} (95 % interval ${points(low)} to ${points(high)})`;
}

/** Puts the accuracy of every model with every amount of data of one task into a table. */
export function accuracyTable({ lines, find }, { units, unit }, task) {
  return {
    columns: [
      { name: 'model' },
      ...units.map((count) => ({ name: `${count * unit} pairs`, align: 'right' })),
    ],
    rows: lines.map((line) => [
      line,
      ...units.map((count) => {
        const {
          accuracy,
          interval: [low, high],
        } = find(task, line, count);
        return `${percent(accuracy)} (${points(low)} - ${points(high)})`;
      }),
    ]),
    caption: `Accuracy on held-out pairs of ${task}, over all seeds, with 95 % bootstrap intervals.`,
  };
}

/** Makes the whole page. */
export function reportPage(summary, recipe, seconds) {
  const { tasks, units, unit, seeds, data } = recipe;
  const curve = (task) =>
    lineChart({
      title: task,
      xLabel: 'task pairs',
      yLabel: 'accuracy',
      series: summary.lines.map((line) => {
        const own = units.map((count) => summary.find(task, line, count));
        return {
          name: line,
          marks: true,
          points: own.map(({ units: count, accuracy }) => [count * unit, accuracy]),
          band: own.map(({ units: count, interval: [low, high] }) => [count * unit, low, high]),
        };
      }),
    });
  return page({
    title: `Task adaptation (${recipe.name})`,
    subtitle: `${seeds.length} seeds, ${data.unlabeled} unlabeled and ${data.labeled} labeled pairs, ${data.test} test pairs a task and seed, ${Math.round(seconds / 60)} minutes`,
    sections: [
      {
        heading: 'Curves',
        paragraphs: [
          'Every model is trained further on the same pairs of a task that no label of its training was about. The foundation model was trained in two stages; the one from the base has seen nothing else.',
          WORLD_NOTE,
        ],
        figures: tasks.map((task) => ({ svg: curve(task), caption: 'Bands are 95 % intervals.' })),
      },
      { heading: 'Does the foundation model need less?', paragraphs: summary.sentences },
      { heading: 'Numbers', tables: tasks.map((task) => accuracyTable(summary, recipe, task)) },
    ],
  });
}
