import { formatNumber } from '@gram/report';
import { expectedSpeedup, exponentOf, serialShare } from './growth.mjs';

/** Largest excess of the exponent of a cost over that of its operations. */
const TOLERANCE = 0.1;

/** Seconds that the operations of a point would take at the rate of matrix products of its sizes. */
const leastSeconds = ({ flop, limit }) => flop / limit;
const seconds = ({ seconds }) => seconds;
const flop = ({ flop }) => flop;
const pairs = (points, of) => points.map((point) => [point.value, of(point)]);
/** Logarithms, so that a power is a line whose slope is the exponent. */
const logs = (points, of) => pairs(points, of).map((pair) => pair.map(Math.log2));

/**
 * Makes the figures, targets and chart of an axis of what its works measured.
 *
 * @param results as `turns` gives them; each round has the `points` of a work
 */
export function axisFindings(name, { title, unit, about, works }, results) {
  const middle = ({ rounds }) => rounds[Math.floor(rounds.length / 2)].points;
  const values = middle(Object.values(results)[0]).map(({ value }) => value);
  const isThreads = name === 'threads';
  return {
    name: `scaling-${name}`,
    title: `Scaling: ${title}`,
    about,
    results,
    figures: [
      ...values.map((value, at) => ({
        name: `${formatNumber(value)} ${unit}`,
        unit: 'ms',
        of: ({ points }) => 1000 * points[at].seconds,
        isPlotted: false,
      })),
      ...(isThreads ? threadFigures() : exponentFigures()),
    ].map((figure) => ({ isPlotted: false, ...figure })),
    targets: isThreads ? [] : Object.keys(works).map(exponentTarget),
    charts: [
      {
        title: `Time against ${title}`,
        xLabel: `log2 of ${unit}`,
        yLabel: 'log2 of seconds',
        series: Object.entries(results).flatMap(([system, result]) => [
          { name: system, marks: true, points: logs(middle(result), seconds) },
          ...(middle(result)[0].limit === undefined
            ? []
            : [{ name: `${system}, products alone`, points: logs(middle(result), leastSeconds) }]),
        ]),
      },
    ],
  };
}

function exponentFigures() {
  return [
    { name: 'exponent', unit: '', of: ({ points }) => exponentOf(pairs(points, seconds)) },
    { name: 'exponent of the operations', unit: '', of: ({ points }) => exponentOf(pairs(points, flop)) },
    {
      name: 'of the limit of matrix products at the end',
      unit: '',
      of: ({ points }) => leastSeconds(points.at(-1)) / points.at(-1).seconds,
    },
  ];
}

function threadFigures() {
  const speedup = (threads) => ({
    name: `expected speed of ${threads} threads`,
    unit: 'x',
    of: ({ points }) =>
      points.length > 1 ? expectedSpeedup(serialShare(pairs(points, seconds)), threads) : Number.NaN,
  });
  return [
    {
      name: 'serial share',
      unit: '',
      of: ({ points }) => (points.length > 1 ? serialShare(pairs(points, seconds)) : Number.NaN),
    },
    speedup(8),
    speedup(64),
  ];
}

function exponentTarget(work) {
  return {
    name: `gram ${work}: exponent, less that of the operations`,
    own: `gram ${work}`,
    of: ({ points }) => exponentOf(pairs(points, seconds)) - exponentOf(pairs(points, flop)),
    most: TOLERANCE,
    unit: '',
  };
}
