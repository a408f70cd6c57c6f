import { formatPercent as percent } from '@gram/base';
import { barChart, lineChart, page } from '@gram/report';
import { WORLD_NOTE } from '@gram-examples/common/output';

const interval = ({ accuracy, interval: [low, high] }) =>
  `${percent(accuracy)} (${percent(low)} - ${percent(high)})`;

/** Puts the accuracies into one table, for the terminal and for the page. */
export function accuracyTable(results, ceilings) {
  return {
    columns: [
      { name: 'reward model' },
      { name: 'in distribution', align: 'right' },
      { name: 'out of distribution', align: 'right' },
      { name: 'same verdict in both orders', align: 'right' },
    ],
    rows: [
      ...results.map(({ name, inDistribution, outOfDistribution }) => [
        name,
        interval(inDistribution),
        interval(outOfDistribution),
        outOfDistribution.order.inBothOrders === 0
          ? 'one order only'
          : percent(outOfDistribution.order.consistency),
      ]),
      ...(ceilings === undefined
        ? []
        : [['oracle (ceiling)', percent(ceilings.inDistribution), percent(ceilings.outOfDistribution), '']]),
      ['chance', '50.0 %', '50.0 %', ''],
    ],
    caption:
      'Accuracy on held-out pairs with 95 % bootstrap intervals. Labels are noisy, so the oracle misses some.',
  };
}

/** Puts the accuracies on each family that training never saw into a table. */
export function familyTable(results) {
  const families = Object.keys(results[0].outOfDistribution.byFamily);
  return {
    columns: [{ name: 'family' }, ...results.map(({ name }) => ({ name, align: 'right' }))],
    rows: families.map((family) => [
      family,
      ...results.map(({ outOfDistribution }) => percent(outOfDistribution.byFamily[family].accuracy)),
    ]),
    caption: 'Out of distribution, by family.',
  };
}

/** Makes the whole page. */
export function reportPage({ results, ceilings, curves, rankings, sizes, seconds, difference }) {
  const losses = curves.map(({ name, history }) => ({
    name,
    points: history.map(({ step, loss }) => [step, loss]),
  }));
  const lossChart = (title, series) => ({
    svg: lineChart({ title, xLabel: 'step', yLabel: 'loss', series, smooth: 0.9 }),
  });
  return page({
    title: ceilings === undefined ? 'Reward ranking' : 'Reward ranking in the synthetic world',
    subtitle: `${sizes.unlabeled} unlabeled and ${sizes.labeled} labeled pairs, models of ${(sizes.parameters / 1e6).toFixed(1)} M parameters, ${Math.round(seconds)} s`,
    sections: [
      {
        heading: 'Accuracy',
        paragraphs: [
          'Each model judges pairs of responses that it has not seen: from the families it was trained on, and from whole families that were held out.',
          WORLD_NOTE,
          difference,
        ],
        figures: [{ svg: accuracyChart(results, ceilings) }],
        tables: [accuracyTable(results, ceilings), familyTable(results)],
      },
      {
        heading: 'Training',
        figures: [
          lossChart('Stage 1: loss per token', losses.slice(0, 1)),
          {
            ...lossChart('Learning from labels: loss per pair', losses.slice(1)),
            caption: 'Stage 2 smooths its labels and cannot fall below 0.325; the others can fall to 0.',
          },
        ],
      },
      {
        heading: 'Ranked responses',
        paragraphs: [
          'Scores are mean probabilities of winning against the other responses, by the two-stage model.',
        ],
        cards: rankings,
      },
    ],
  });
}

/** Draws the accuracies as bars from 0, with the oracle's in each group and the level of chance. */
function accuracyChart(results, ceilings) {
  const group = (name, split) => ({
    name,
    bars: results.map((result) => {
      const {
        accuracy,
        interval: [low, high],
      } = result[split];
      return { name: result.name, value: accuracy, low, high };
    }),
    lines: ceilings === undefined ? [] : [{ name: 'oracle', value: ceilings[split] }],
  });
  return barChart({
    title: 'Pair accuracy',
    yLabel: 'accuracy',
    groups: [group('in distribution', 'inDistribution'), group('out of distribution', 'outOfDistribution')],
    lines: [{ name: 'chance', value: 0.5 }],
    yMax: 1,
  });
}
