import { formatPercent, formatPercentRange } from '@gram/base';
import { lineChart, page, type Section, type Table, textTable } from '@gram/report';
import {
  type BenchmarkSummary,
  benchmarks,
  type GroupScore,
  type LengthGroup,
  type OrderEffect,
  type ScoreTable,
} from '@gram/reward';

const signed = (value: number | null) => (value === null ? 'one order only' : value.toFixed(4));

/** Describes the results of a benchmark as text. */
export function benchmarkText(summary: BenchmarkSummary): string {
  const { order, calibration, lengths, truncated, neutralized } = summary;
  const lines = [
    textTable(scoreTable(summary.scores)),
    '',
    textTable(subsetTable(summary)),
    '',
    ...orderLines(order, summary.comparisons, 'comparisons'),
    ...(calibration === null
      ? []
      : [`calibration      ${calibration.error.toFixed(4)} expected error, 10 bins`]),
    ...(lengths.balanced === null ? [] : [`length-balanced  ${formatPercent(lengths.balanced)} accuracy`]),
    ...(truncated > 0 ? [`cut to fit       ${truncated} items`] : []),
    ...(neutralized > 0 ? [`escaped marks    ${neutralized} items`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Describes how much the order of responses matters, for `count` that were judged. */
export function orderLines(order: OrderEffect, count: number, unit: string): string[] {
  const { inBothOrders, consistency, bias, absoluteBias } = order;
  if (inBothOrders === 0) return ['consistency      not measured: judged in one order'];
  const of = inBothOrders === count ? unit : `the ${inBothOrders} ${unit} judged in both orders`;
  return [
    `consistency      ${formatPercent(consistency)} of ${of} get one verdict in both`,
    `position bias    ${signed(bias)} towards the first place, ${signed(absoluteBias)} in size`,
  ];
}

/** Describes the results of a benchmark as one HTML file. */
export function benchmarkPage(summary: BenchmarkSummary, model: string): string {
  const { benchmark, items, comparisons } = summary;
  return page({
    title: `${benchmark}: ${model}`,
    subtitle: `${items} items, ${comparisons} comparisons`,
    sections: [
      { heading: 'Scores', tables: [scoreTable(summary.scores)] },
      ...matrixSection(summary),
      {
        heading: 'Subsets',
        paragraphs: [
          'The score is the mean over items of how right the model is; the interval is a 95 % bootstrap over items.',
        ],
        tables: [subsetTable(summary)],
      },
      ...calibrationSection(summary),
      lengthSection(summary),
      orderSection(summary),
    ],
  });
}

function scoreTable({ columns, rows }: ScoreTable): Table {
  return {
    columns: [{ name: 'part' }, ...columns.map((name) => ({ name, align: 'right' as const }))],
    rows: rows.map(({ name, values }) => [name, ...values.map(formatPercent)]),
  };
}

function subsetTable({ score, interval, items, subsets }: BenchmarkSummary): Table {
  const row = (name: string, group: GroupScore) => [
    name,
    formatPercent(group.score),
    formatPercentRange(group.interval),
    group.items,
  ];
  return {
    columns: [
      { name: 'subset' },
      { name: 'score', align: 'right' },
      { name: '95 % interval', align: 'right' },
      { name: 'items' },
    ],
    rows: [
      row('all', { score, interval, items }),
      ...Object.entries(subsets).map(([name, group]) => row(name, group)),
    ],
  };
}

function matrixSection({ benchmark, matrices = [] }: BenchmarkSummary): Section[] {
  const described = benchmarks[benchmark].matrices;
  if (described === undefined || matrices.length === 0) return [];
  const { heading, explanation, labels } = described;
  const columns = [{ name: 'chosen' }, ...labels.map((name) => ({ name, align: 'right' as const }))];
  return [
    {
      heading,
      paragraphs: [explanation],
      tables: matrices.map(({ domain, matrix }) => ({
        caption: domain,
        columns,
        rows: matrix.map((values, at) => [labels[at] ?? '', ...values.map(formatPercent)]),
      })),
    },
  ];
}

function calibrationSection({ calibration }: BenchmarkSummary): Section[] {
  if (calibration === null) return [];
  const { error, bins } = calibration;
  const ideal: [number, number][] = [
    [0.5, 0.5],
    [1, 1],
  ];
  const chart = lineChart({
    title: 'Reliability',
    xLabel: 'probability of the preferred side',
    yLabel: 'share right',
    series: [
      {
        name: 'model',
        points: bins.map(({ confidence, accuracy }): [number, number] => [confidence, accuracy]),
        marks: true,
      },
      { name: 'calibrated', points: ideal },
    ],
  });
  return [
    {
      heading: 'Calibration',
      paragraphs: [
        `Expected calibration error ${error.toFixed(4)}, over ten bins of the probability of the preferred side.`,
      ],
      figures: [{ svg: chart, caption: 'Below the line the model is surer than it should be.' }],
      tables: [
        {
          columns: [
            { name: 'probability' },
            { name: 'mean', align: 'right' },
            { name: 'right', align: 'right' },
            { name: 'pairs' },
          ],
          rows: bins.map(({ range: [low, high], confidence, accuracy, pairs }) => [
            `${low.toFixed(2)} to ${high.toFixed(2)}`,
            confidence.toFixed(4),
            formatPercent(accuracy),
            pairs,
          ]),
        },
      ],
    },
  ];
}

function lengthSection({ lengths }: BenchmarkSummary): Section {
  const row = (name: string, { accuracy, pairs }: LengthGroup) => [name, formatPercent(accuracy), pairs];
  return {
    heading: 'Length',
    paragraphs: [
      `Accuracy if the better response were the shorter one in half of the pairs: ${formatPercent(lengths.balanced) || 'not known'}.`,
    ],
    tables: [
      {
        columns: [
          { name: 'the better response is' },
          { name: 'accuracy', align: 'right' },
          { name: 'pairs' },
        ],
        rows: [
          row('shorter', lengths.shorter),
          row('longer', lengths.longer),
          row('as long, within a tenth', lengths.matched),
        ],
      },
    ],
  };
}

function orderSection({ order }: BenchmarkSummary): Section {
  return {
    heading: 'Order',
    tables: [
      {
        columns: [{ name: 'measure' }, { name: 'value', align: 'right' }],
        rows: [
          ['comparisons judged in both orders', String(order.inBothOrders)],
          ['of these with one verdict in both', formatPercent(order.consistency)],
          ['change of probability towards the first place', signed(order.bias)],
          ['mean size of that change', signed(order.absoluteBias)],
        ],
      },
    ],
  };
}
