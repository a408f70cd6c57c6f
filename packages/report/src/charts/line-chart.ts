import { ReportError } from '../error.js';
import { formatNumber } from '../text/format.js';
import { bandPath, type Interval, linePath, movingAverage, type Place, type Point } from './curve.js';
import { emptyChart, frame, type Plot, seriesClass } from './frame.js';
import { type Axis, extent, isDrawable, niceAxis, toPixels } from './scale.js';
import { coordinate, element, fitText, svg, textElement, textWidth, WIDTH } from './svg.js';
import { COLORS } from './theme.js';

/** Dash patterns of the series, so that they are told apart without color. */
const DASHES = [undefined, '9 5', '2 5', '12 4 2 4', '5 3', '9 3 2 3 2 3'];
const DOT_RADIUS = 3.6;

/** A named line, with its intervals if it has any. */
export interface Series {
  name: string;
  /** `[x, y]` in the order in which they are joined; x may go back. */
  points: Point[];
  /**
   * Intervals `[x, low, high]`, for example 95 % confidence intervals, in the order in which they are joined. They are drawn as
   * a light area behind all lines, which is not smoothed.
   *
   * @default none
   */
  band?: Interval[];
  /** Whether each point has a dot, for a curve of few points, which is not smoothed. @default false */
  marks?: boolean;
}

/** Content of a line chart. */
export interface LineChartOptions {
  title: string;
  xLabel: string;
  yLabel: string;
  series: Series[];
  /**
   * Weight of the past in an exponential moving average, in [0, 1). The smoothed line is drawn over the faint original.
   *
   * @default 0, no smoothing
   */
  smooth?: number;
}

/**
 * Draws lines over a common x axis, as an SVG string. A point whose y is not finite breaks its line, an interval with such an end
 * its band; what has an x that is not finite is left out; without anything to draw the chart says that there is no data.
 *
 * @throws {ReportError} `bad-chart` if `smooth` is not in [0, 1)
 * @example
 * const curve = lineChart({
 *   title: 'Loss',
 *   xLabel: 'step',
 *   yLabel: 'nats',
 *   series: [{ name: 'training', points: [[1, 0.69], [2, 0.61]] }],
 * });
 */
export function lineChart({ title, xLabel, yLabel, series, smooth = 0 }: LineChartOptions): string {
  if (!(smooth >= 0 && smooth < 1)) {
    throw new ReportError(
      'bad-chart',
      `the smoothing of a line chart must be at least 0 and below 1, not ${smooth}`,
      'use 0 for no smoothing, 0.9 for a noisy loss',
    );
  }
  const curves = series.map((each, index) => curveOf(each, index, smooth));
  const visible = curves.flatMap(({ finite, band }) => [
    ...finite,
    ...band.filter(isInterval).flatMap(endsOf),
  ]);
  if (visible.length === 0) return emptyChart(title);

  const xAxis = niceAxis(...extent(visible.map(([x]) => x)), 7, 'data');
  const yAxis = niceAxis(...extent(visible.map(([, y]) => y)), 5, 'ticks');
  const { plot, markup } = frame({
    title,
    yLabel,
    yAxis,
    legend: series.map(({ name }) => name),
    mark: (index, x, y) => swatch(series[index], index, x, y),
  });
  const toX = toPixels(xAxis, plot.left, plot.right);
  const toY = toPixels(yAxis, plot.bottom, plot.top);
  const place: Place = ([x, y]) => [toX(x), toY(y)];
  const content = [
    markup,
    drawXAxis(xAxis, toX, plot, xLabel),
    ...curves.map(({ band, index }) => area(bandPath(band, place), index)),
    ...curves.map(({ raw, smoothed, index }) =>
      smoothed ? line(linePath(raw, place), index, ' gram-raw') : '',
    ),
    ...curves.map(({ drawn, index }) => line(linePath(drawn, place), index)),
    ...curves.flatMap(({ finite, marks, index }) =>
      marks ? finite.map((point) => dot(place(point), index)) : [],
    ),
  ];
  return svg(title, describe(series, xLabel, yLabel), plot.bottom + 52, content.join(''));
}

/** Parts of a series that are drawn. */
interface Curve {
  /** Number of the series, which gives it its color and its dashes. */
  readonly index: number;
  readonly raw: Point[];
  readonly smoothed: boolean;
  readonly drawn: Point[];
  readonly finite: Point[];
  readonly band: Interval[];
  readonly marks: boolean;
}

function curveOf({ points, band = [], marks = false }: Series, index: number, smooth: number): Curve {
  const raw = points.filter(([x]) => isDrawable(x));
  const smoothed = smooth > 0 && !marks;
  return {
    index,
    raw,
    smoothed,
    drawn: smoothed ? movingAverage(raw, smooth) : raw,
    finite: raw.filter(([, y]) => isDrawable(y)),
    band: band.filter(([x]) => isDrawable(x)),
    marks,
  };
}

function endsOf([x, low, high]: Interval): Point[] {
  return [
    [x, low],
    [x, high],
  ];
}

/** The x axis with its ticks, their labels and its own. */
function drawXAxis(axis: Axis, toX: (value: number) => number, plot: Plot, xLabel: string): string {
  const { left, right, bottom } = plot;
  const ticks = axis.ticks.map((tick, index) => {
    const label = axis.labels[index] ?? '';
    const x = toX(tick);
    const at = Math.min(x, WIDTH - 2 - textWidth(label) / 2);
    return (
      element('line', { class: 'gram-axis', x1: x, x2: x, y1: bottom, y2: bottom + 5 }) +
      textElement(label, at, bottom + 20, { class: 'gram-soft', 'text-anchor': 'middle' })
    );
  });
  return [
    ...ticks,
    element('line', { class: 'gram-axis', x1: left, x2: right, y1: bottom, y2: bottom }),
    textElement(fitText(xLabel, right - left), (left + right) / 2, bottom + 42, {
      class: 'gram-soft',
      'text-anchor': 'middle',
    }),
  ].join('');
}

function line(path: string, index: number, extra = ''): string {
  if (path === '') return '';
  const dash = extra === '' ? DASHES[index % COLORS] : undefined;
  return element('path', {
    class: `gram-line${extra} ${seriesClass(index)}`,
    d: path,
    'stroke-dasharray': dash,
  });
}

function area(path: string, index: number): string {
  if (path === '') return '';
  return element('path', { class: `gram-band ${seriesClass(index)}`, d: path });
}

function dot([cx, cy]: Point, index: number): string {
  return element('circle', { class: `gram-fill ${seriesClass(index)}`, cx, cy, r: DOT_RADIUS });
}

/** The legend shows a series as the chart does: its line, on a piece of its band, with its dot. */
function swatch(series: Series | undefined, index: number, x: number, y: number): string {
  const { band = [], marks = false } = series ?? {};
  const [left, top] = [coordinate(x - 9), coordinate(y - 6)];
  return [
    band.length > 0 ? area(`M${left} ${top}h18v12h-18Z`, index) : '',
    line(`M${left} ${coordinate(y)}h18`, index),
    marks ? dot([x, y], index) : '',
  ].join('');
}

function isInterval(interval: Interval): boolean {
  return interval.every(isDrawable);
}

function describe(series: Series[], xLabel: string, yLabel: string): string {
  const parts = series.map(({ name, points, band = [] }) => {
    const values = points.filter(([x, y]) => isDrawable(x) && isDrawable(y));
    const first = values[0];
    const last = values.at(-1);
    const curve =
      first && last
        ? `${formatNumber(first[1])} at ${formatNumber(first[0])}, ${formatNumber(last[1])} at ${formatNumber(last[0])}`
        : 'no data';
    const end = band.filter(isInterval).at(-1);
    const interval = end
      ? `, interval ${formatNumber(end[1])} to ${formatNumber(end[2])} at ${formatNumber(end[0])}`
      : '';
    return `${name}: ${curve}${interval}.`;
  });
  return [`Line chart of ${yLabel} over ${xLabel}.`, ...parts].join(' ');
}
