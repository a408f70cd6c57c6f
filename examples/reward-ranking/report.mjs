import { barChart, lineChart, page } from '@gram/report';

const percent = (value) => `${(100 * value).toFixed(1)} %`;
const interval = ({ accuracy, interval: [low, high] }) =>
  `${percent(accuracy)} (${percent(low)} - ${percent(high)})`;

/** The accuracies as one table, for the terminal and for the page. */
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

/** Accuracies family by family, of the families that training never saw. */
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

/** The whole page. */
export function reportPage({ results, ceilings, curves, rankings, sizes, seconds, difference }) {
  const bars = (key) =>
    results.map(
      ({
        name,
        [key]: {
          accuracy,
          interval: [low, high],
        },
      }) => ({ name, value: accuracy, low, high }),
    );
  const oracle = (key) => (ceilings === undefined ? [] : [{ name: 'oracle', value: ceilings[key] }]);
  const losses = curves.map(({ name, history }) => ({
    name,
    points: history.map(({ step, loss }) => [step, loss]),
  }));
  return page({
    title: ceilings === undefined ? 'Reward ranking' : 'Reward ranking in the synthetic world',
    subtitle: `${sizes.unlabeled} unlabeled and ${sizes.labeled} labeled pairs, models of ${(sizes.parameters / 1e6).toFixed(1)} M parameters, ${Math.round(seconds)} s`,
    sections: [
      {
        heading: 'Accuracy',
        paragraphs: [
          'Each model judges pairs of responses that it has not seen: from the families it was trained on, and from whole families that were held out.',
          'The synthetic world is a test bed with a known truth. What holds here need not hold for large models and human labels.',
          difference,
        ],
        figures: [
          {
            svg: barChart({
              title: 'Pair accuracy',
              yLabel: 'accuracy',
              groups: [
                { name: 'in distribution', bars: bars('inDistribution'), lines: oracle('inDistribution') },
                {
                  name: 'out of distribution',
                  bars: bars('outOfDistribution'),
                  lines: oracle('outOfDistribution'),
                },
              ],
              lines: [{ name: 'chance', value: 0.5 }],
              yMax: 1,
            }),
          },
        ],
        tables: [accuracyTable(results, ceilings), familyTable(results)],
      },
      {
        heading: 'Training',
        figures: [
          {
            svg: lineChart({
              title: 'Stage 1: loss per token',
              xLabel: 'step',
              yLabel: 'loss',
              series: losses.slice(0, 1),
              smooth: 0.9,
            }),
          },
          {
            svg: lineChart({
              title: 'Learning from labels: loss per pair',
              xLabel: 'step',
              yLabel: 'loss',
              series: losses.slice(1),
              smooth: 0.9,
            }),
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
