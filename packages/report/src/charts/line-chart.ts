import { ReportError } from '../error.js';
import { formatNumber } from '../format.js';
import { emptyChart, frame, seriesClass } from './frame.js';
import { extent, isDrawable, niceAxis, toPixels } from './scale.js';
import { coordinate, element, fitText, svg, textElement, textWidth, WIDTH } from './svg.js';
import { COLOURS } from './theme.js';

/** More points than this are not visible and only make the file large. */
const MAX_POINTS = 1200;
/** Each series has a dash pattern too, so that it is told apart without colour. */
const DASHES = [undefined, '9 5', '2 5', '12 4 2 4', '5 3', '9 3 2 3 2 3'];

/** A named line: points `[x, y]` in order of x. */
export interface Series {
  name: string;
  points: [number, number][];
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
 * Lines over a common x axis, as an SVG string. A point whose y is not finite breaks its line; one whose x is not finite
 * is left out; without any point the chart says that there is no data.
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
  const lines = series.map(({ points }) => {
    const placed = points.filter(([x]) => isDrawable(x));
    return { raw: placed, drawn: smooth > 0 ? movingAverage(placed, smooth) : placed };
  });
  const visible = lines.flatMap(({ raw }) => raw.filter(([, y]) => isDrawable(y)));
  if (visible.length === 0) return emptyChart(title);

  const xAxis = niceAxis(...extent(visible.map(([x]) => x)), 7, 'data');
  const yAxis = niceAxis(...extent(visible.map(([, y]) => y)), 5, 'ticks');
  const { plot, markup } = frame({
    title,
    yLabel,
    yAxis,
    legend: series.map(({ name }) => name),
    mark: (index, x, y) => line(`M${coordinate(x - 9)} ${coordinate(y)}h18`, index),
  });
  const toX = toPixels(xAxis, plot.left, plot.right);
  const toY = toPixels(yAxis, plot.bottom, plot.top);
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
  if (smooth > 0) parts.push(...lines.map(({ raw }, index) => line(path(raw), index, ' gram-raw')));
  parts.push(...lines.map(({ drawn }, index) => line(path(drawn), index)));
  return svg(title, describe(series, xLabel, yLabel), plot.bottom + 52, parts.filter(Boolean).join(''));

  function path(points: [number, number][]): string {
    let pen = 'M';
    let result = '';
    for (const [x, y] of thin(points)) {
      if (isDrawable(y)) {
        result += `${pen}${coordinate(toX(x))} ${coordinate(toY(y))}`;
        // A round cap makes a line of no length a dot, so that a lone point is seen.
        if (pen === 'M') result += 'h0';
        pen = 'L';
      } else pen = 'M';
    }
    return result;
  }
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

/**
 * Exponential moving average m_t = w m_(t-1) + (1 - w) y_t, divided by 1 - w^t as in Adam (Kingma and Ba, 2015), so that
 * the first values are not pulled towards zero. Values that are not finite are passed on and do not count.
 */
function movingAverage(points: [number, number][], weight: number): [number, number][] {
  let average = 0;
  let share = 0;
  return points.map(([x, y]) => {
    if (!isDrawable(y)) return [x, y];
    average = weight * average + (1 - weight) * y;
    share = weight * share + (1 - weight);
    return [x, average / share];
  });
}

/** Keeps the lowest and the highest point of each run of neighbours, so that no spike is lost. */
function thin(points: [number, number][]): [number, number][] {
  if (points.length <= MAX_POINTS) return points;
  const size = Math.ceil((2 * points.length) / MAX_POINTS);
  const kept: [number, number][] = [points[0]!];
  for (let start = 1; start < points.length - 1; start += size) {
    const run = points.slice(start, Math.min(start + size, points.length - 1));
    let low = 0;
    let high = 0;
    run.forEach(([, y], index) => {
      if (!(y >= run[low]![1])) low = index;
      if (!(y <= run[high]![1])) high = index;
    });
    for (const index of new Set([Math.min(low, high), Math.max(low, high)])) kept.push(run[index]!);
  }
  kept.push(points.at(-1)!);
  return kept;
}

function describe(series: Series[], xLabel: string, yLabel: string): string {
  const parts = series.map(({ name, points }) => {
    const values = points.filter(([x, y]) => isDrawable(x) && isDrawable(y));
    const first = values[0];
    const last = values.at(-1);
    if (!first || !last) return `${name}: no data.`;
    return `${name}: ${formatNumber(first[1])} at ${formatNumber(first[0])}, ${formatNumber(last[1])} at ${formatNumber(last[0])}.`;
  });
  return [`Line chart of ${yLabel} over ${xLabel}.`, ...parts].join(' ');
}
