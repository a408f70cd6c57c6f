import { ReportError } from '../error.js';
import { formatNumber } from '../format.js';
import { bandPath, type Interval, linePath, movingAverage, type Place, type Point } from './curve.js';
import { emptyChart, frame, seriesClass } from './frame.js';
import { extent, isDrawable, niceAxis, toPixels } from './scale.js';
import { coordinate, element, fitText, svg, textElement, textWidth, WIDTH } from './svg.js';
import { COLOURS } from './theme.js';

/** Each series has a dash pattern too, so that it is told apart without colour. */
const DASHES = [undefined, '9 5', '2 5', '12 4 2 4', '5 3', '9 3 2 3 2 3'];
const DOT_RADIUS = 3.6;

/** A named line, with its intervals if it has any. */
export interface Series {
  name: string;
  /** `[x, y]` in the order in which they are joined; x may go back. */
  points: Point[];
  /**
   * Intervals `[x, low, high]` (for example 95 % confidence intervals) in the order in which they are joined: a light area
   * behind all lines. It is not smoothed. Default: none.
   */
  band?: Interval[];
  /** A dot on each point, for a curve of few points, which is not smoothed. Default: false. */
  marks?: boolean;
}

export interface LineChartOptions {
  title: string;
  xLabel: string;
  yLabel: string;
  series: Series[];
  /**
   * Weight of the past in an exponential moving average, in [0, 1). The smoothed line is drawn over the faint original.
   * Default: 0, no smoothing.
   */
  smooth?: number;
}

/**
 * Lines over a common x axis, as an SVG string. A point whose y is not finite breaks its line, an interval with such an end
 * its band; what has an x that is not finite is left out; without anything to draw the chart says that there is no data.
 *
 * @throws ReportError `bad-chart` if `smooth` is not in [0, 1).
 */
export function lineChart({ title, xLabel, yLabel, series, smooth = 0 }: LineChartOptions): string {
  if (!(smooth >= 0 && smooth < 1)) {
    throw new ReportError(
      'bad-chart',
      `the smoothing of a line chart must be at least 0 and below 1, not ${smooth}`,
      'Use 0 for no smoothing, 0.9 for a noisy loss.',
    );
  }
  const lines = series.map(({ points, band = [], marks = false }) => {
    const raw = points.filter(([x]) => isDrawable(x));
    return {
      raw,
      smoothed: smooth > 0 && !marks,
      drawn: smooth > 0 && !marks ? movingAverage(raw, smooth) : raw,
      finite: raw.filter(([, y]) => isDrawable(y)),
      band: band.filter(([x]) => isDrawable(x)),
    };
  });
  const ends = lines.flatMap(({ band }) =>
    band.filter(isInterval).flatMap(([x, low, high]): Point[] => [
      [x, low],
      [x, high],
    ]),
  );
  const visible = [...lines.flatMap(({ finite }) => finite), ...ends];
  if (visible.length === 0) return emptyChart(title);

  const xAxis = niceAxis(...extent(visible.map(([x]) => x)), 7, 'data');
  const yAxis = niceAxis(...extent(visible.map(([, y]) => y)), 5, 'ticks');
  const { plot, markup } = frame({
    title,
    yLabel,
    yAxis,
    legend: series.map(({ name }) => name),
    mark: (index, x, y) => swatch(series[index]!, index, x, y),
  });
  const toX = toPixels(xAxis, plot.left, plot.right);
  const toY = toPixels(yAxis, plot.bottom, plot.top);
  const place: Place = ([x, y]) => [toX(x), toY(y)];
  const parts = [markup];
  xAxis.ticks.forEach((tick, index) => {
    const label = xAxis.labels[index]!;
    const half = textWidth(label) / 2;
    const x = toX(tick);
    parts.push(
      element('line', { class: 'gram-axis', x1: x, x2: x, y1: plot.bottom, y2: plot.bottom + 5 }),
      textElement(label, Math.min(x, WIDTH - 2 - half), plot.bottom + 20, {
        class: 'gram-soft',
        'text-anchor': 'middle',
      }),
    );
  });
  const middle = (plot.left + plot.right) / 2;
  parts.push(
    element('line', { class: 'gram-axis', x1: plot.left, x2: plot.right, y1: plot.bottom, y2: plot.bottom }),
    textElement(fitText(xLabel, plot.right - plot.left), middle, plot.bottom + 42, {
      class: 'gram-soft',
      'text-anchor': 'middle',
    }),
  );
  parts.push(...lines.map(({ band }, index) => area(bandPath(band, place), index)));
  lines.forEach(({ raw, smoothed }, index) => {
    if (smoothed) parts.push(line(linePath(raw, place), index, ' gram-raw'));
  });
  parts.push(...lines.map(({ drawn }, index) => line(linePath(drawn, place), index)));
  lines.forEach(({ finite }, index) => {
    if (series[index]!.marks) parts.push(...finite.map((point) => dot(place(point), index)));
  });
  return svg(title, describe(series, xLabel, yLabel), plot.bottom + 52, parts.filter(Boolean).join(''));
}

function line(path: string, index: number, extra = ''): string {
  if (path === '') return '';
  const dash = extra === '' ? DASHES[index % COLOURS] : undefined;
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
function swatch({ band = [], marks }: Series, index: number, x: number, y: number): string {
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
