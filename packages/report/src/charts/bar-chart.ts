import { formatNumber } from '../text/format.js';
import { EDGE, emptyChart, frame, type Plot, seriesClass } from './frame.js';
import { type Axis, extent, isDrawable, niceAxis, toPixels } from './scale.js';
import { coordinate, element, FONT_SIZE, fitText, svg, textElement, textWidth } from './svg.js';

const VALUE_SIZE = 12;
const MAX_BAR = 56;
const GROUP_LINE = 16;
const MAX_GROUP_LINES = 3;
const LABEL_ROW = 16;
const REFERENCE_WIDTH = 110;
/** Room between the line of a level and the edge of its group. */
const LEVEL_INSET = 8;
/** Group names that do not fit side by side are turned by this angle, in degrees. */
const TURN = 35;
const TURNED_WIDTH = 110;

/** One bar, with the ends of its interval (for example a 95 % confidence interval) if it has one. */
export interface Bar {
  name: string;
  value: number;
  low?: number;
  high?: number;
}

/** Bars that stand together. Bars of one name have one color in all groups. */
export interface BarGroup {
  name: string;
  bars: Bar[];
  /** Labeled levels that hold for these bars only, such as their ceiling. @default none */
  lines?: Level[];
}

/** A level to compare bars with. */
export interface Level {
  name: string;
  value: number;
}

/** Content of a bar chart. */
export interface BarChartOptions {
  title: string;
  yLabel: string;
  groups: BarGroup[];
  /** Labeled levels that hold for all bars, such as chance. @default none */
  lines?: Level[];
  /** Lower end of the y axis. @default 0, or below the lowest value if that is negative */
  yMin?: number;
  /** Upper end of the y axis; bars beyond the axis are cut at its end. @default above the highest value */
  yMax?: number;
}

interface DrawnBar {
  bar: Bar;
  left: number;
  width: number;
  color: number;
}

/**
 * Draws grouped bars with interval whiskers and reference lines, as an SVG string. A bar whose value is not finite keeps its
 * place and stays empty; without any value the chart says that there is no data.
 *
 * @example
 * const accuracy = barChart({
 *   title: 'Accuracy',
 *   yLabel: 'share of pairs',
 *   groups: [{ name: 'test', bars: [{ name: 'GRAM', value: 0.741, low: 0.705, high: 0.775 }] }],
 *   lines: [{ name: 'chance', value: 0.5 }],
 * });
 */
export function barChart({ title, yLabel, groups, lines = [], yMin, yMax }: BarChartOptions): string {
  const bars = groups.flatMap((group) => group.bars);
  if (!bars.some((bar) => isDrawable(bar.value))) return emptyChart(title);

  const references = lines.filter((line) => isDrawable(line.value));
  const names = [...new Set(bars.map((bar) => bar.name))];
  const yAxis = valueAxis(bars, [...references, ...groups.flatMap(levelsOf)], yMin, yMax);
  const labeled = references.map(({ name, value }) => {
    const shown = ` ${formatNumber(value)}`;
    return { label: fitText(name, REFERENCE_WIDTH - textWidth(shown)) + shown, value };
  });
  const { plot, markup } = frame({
    title,
    yLabel,
    yAxis,
    legend: names.length > 1 ? names : [],
    mark: (index, x, y) => rectangle({ x: x - 7, y: y - 6, width: 14, height: 12 }, index),
    marginRight: Math.max(0, ...labeled.map(({ label }) => textWidth(label))) + 8,
  });
  const y = toPixels(yAxis, plot.bottom, plot.top);
  const base = y(0);
  const slot = (plot.right - plot.left) / groups.length;
  const drawn: DrawnBar[] = groups.flatMap((group, at) => {
    const width = Math.min(MAX_BAR, (slot * 0.78) / Math.max(1, group.bars.length));
    const start = plot.left + slot * (at + 0.5) - (group.bars.length / 2) * width;
    return group.bars
      .map((bar, index) => ({ bar, left: start + index * width, width, color: names.indexOf(bar.name) }))
      .filter(({ bar }) => isDrawable(bar.value));
  });
  const below = groupNames(
    groups.map((group) => group.name),
    plot,
  );
  const content = [
    markup,
    ...drawn.map((bar) => drawBar(bar, y, base)),
    element('line', { class: 'gram-axis', x1: plot.left, x2: plot.right, y1: base, y2: base }),
    drawReferences(
      labeled.map(({ label, value }) => ({ label, y: y(value) })),
      plot,
    ),
    ...groups.map((group, at) =>
      drawLevels(levelsOf(group), y, plot.left + slot * at, plot.left + slot * (at + 1)),
    ),
    drawValues(drawn, y),
    below.markup,
  ];
  return svg(title, describe(yLabel, groups, references), plot.bottom + below.height, content.join(''));
}

function levelsOf({ lines = [] }: BarGroup): Level[] {
  return lines.filter((line) => isDrawable(line.value));
}

function valueAxis(bars: Bar[], lines: Level[], yMin?: number, yMax?: number): Axis {
  const values = [
    ...bars.filter((bar) => isDrawable(bar.value)).flatMap((bar) => [bar.value, bar.low, bar.high]),
    ...lines.map((line) => line.value),
  ].filter(isDrawable);
  const [lowest, highest] = extent(values);
  const low = isDrawable(yMin) ? yMin : Math.min(0, lowest);
  const high = isDrawable(yMax) ? yMax : Math.max(0, highest);
  const round = niceAxis(low, high, 5, 'ticks');
  if (yMin === undefined && yMax === undefined) return round;
  // A given end is a limit; the other end still moves to a round number.
  const min = isDrawable(yMin) ? yMin : round.min;
  const max = isDrawable(yMax) ? yMax : round.max;
  return min < max ? niceAxis(min, max, 5, 'data') : round;
}

function drawBar({ bar, left, width, color }: DrawnBar, y: (value: number) => number, base: number): string {
  const gap = Math.min(3, width * 0.1);
  const end = y(bar.value);
  const box = { x: left + gap, y: Math.min(end, base), width: width - 2 * gap, height: Math.abs(end - base) };
  const body = rectangle(box, color);
  if (!isDrawable(bar.low) || !isDrawable(bar.high)) return body;
  const middle = left + width / 2;
  const cap = Math.min(6, width / 5);
  const [x, from, to] = [middle, y(bar.low), y(bar.high)].map(coordinate);
  const [start, stop] = [coordinate(middle - cap), coordinate(middle + cap)];
  const path = `M${x} ${from}V${to}M${start} ${to}H${stop}M${start} ${from}H${stop}`;
  return body + element('path', { class: 'gram-whisker', d: path });
}

/** The values above their bars (below, where negative): all of them, or none if one does not fit. */
function drawValues(drawn: DrawnBar[], y: (value: number) => number): string {
  const short = (value: number) => formatNumber(Number(value.toPrecision(3)));
  const decimals = Math.max(
    ...drawn.map(({ bar }) => /^-?\d+\.(\d+)$/.exec(short(bar.value))?.[1]?.length ?? 0),
  );
  const labeled = drawn.map((each) => {
    const { value } = each.bar;
    return { ...each, label: decimals > 0 && decimals <= 3 ? value.toFixed(decimals) : short(value) };
  });
  if (labeled.some(({ label, width }) => textWidth(label, VALUE_SIZE) > width + 4)) return '';
  return labeled
    .map(({ bar, left, width, label }) => {
      const ends = [bar.value, bar.low, bar.high].filter(isDrawable).map(y);
      const at = bar.value < 0 ? Math.max(...ends) + VALUE_SIZE + 2 : Math.min(...ends) - 5;
      return textElement(label, left + width / 2, at, {
        class: 'gram-value',
        'text-anchor': 'middle',
      });
    })
    .join('');
}

function rectangle(box: Readonly<Record<'x' | 'y' | 'width' | 'height', number>>, color: number): string {
  return element('rect', { class: `gram-fill ${seriesClass(color)}`, ...box, rx: 1.5 });
}

/** Reference lines, with their labels at the right moved apart where they would overlap. */
function drawReferences(lines: { label: string; y: number }[], plot: Plot): string {
  const sorted = [...lines].sort((first, second) => first.y - second.y);
  const lowest = plot.bottom - LABEL_ROW * (sorted.length - 1);
  let free = plot.top;
  return sorted
    .map(({ label, y }, index) => {
      const at = Math.max(free, Math.min(y, lowest + LABEL_ROW * index));
      free = at + LABEL_ROW;
      return (
        element('line', { class: 'gram-reference', x1: plot.left, x2: plot.right, y1: y, y2: y }) +
        textElement(label, plot.right + 6, at + FONT_SIZE * 0.35)
      );
    })
    .join('');
}

/** Levels of one group as lines over its width, each with its label above the right end. */
function drawLevels(levels: Level[], y: (value: number) => number, left: number, right: number): string {
  return levels
    .map(({ name, value }) => {
      const [from, to, at] = [left + LEVEL_INSET, right - LEVEL_INSET, y(value)];
      const number = ` ${formatNumber(Number(value.toPrecision(3)))}`;
      const label = fitText(name, to - from - textWidth(number)) + number;
      return (
        element('line', { class: 'gram-reference', x1: from, x2: to, y1: at, y2: at }) +
        textElement(label, to, at - 5, { class: 'gram-value', 'text-anchor': 'end' })
      );
    })
    .join('');
}

/** The names below the groups: level and on several lines if every word fits, else turned. */
function groupNames(names: string[], plot: Plot): { markup: string; height: number } {
  const slot = (plot.right - plot.left) / names.length;
  const middle = (index: number) => plot.left + slot * (index + 0.5);
  const wrapped = names.map((name) => wrap(name, slot - 6));
  const fits = wrapped.every(
    (lines) => lines.length <= MAX_GROUP_LINES && lines.every((text) => textWidth(text) <= slot - 6),
  );
  if (fits) {
    const parts = wrapped.flatMap((lines, index) =>
      lines.map((text, row) =>
        textElement(text, middle(index), plot.bottom + 20 + row * GROUP_LINE, { 'text-anchor': 'middle' }),
      ),
    );
    const rows = Math.max(1, ...wrapped.map((lines) => lines.length));
    return { markup: parts.join(''), height: 12 + rows * GROUP_LINE };
  }
  const angle = (TURN * Math.PI) / 180;
  const labels = names.map((name, index) =>
    fitText(
      name,
      Math.min(TURNED_WIDTH, (middle(index) - EDGE - FONT_SIZE * Math.sin(angle)) / Math.cos(angle)),
    ),
  );
  const parts = labels.map((text, index) => {
    const [x, y] = [middle(index) + 4, plot.bottom + 16];
    const transform = `rotate(-${TURN} ${coordinate(x)} ${coordinate(y)})`;
    return textElement(text, x, y, { 'text-anchor': 'end', transform });
  });
  const longest = Math.max(...labels.map((text) => textWidth(text)));
  return { markup: parts.join(''), height: 24 + longest * Math.sin(angle) };
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function describe(yLabel: string, groups: BarGroup[], lines: Level[]): string {
  const bars = groups.flatMap((group) => [
    ...group.bars.map((bar) => {
      const value = isDrawable(bar.value) ? formatNumber(bar.value) : 'no value';
      const interval =
        isDrawable(bar.low) && isDrawable(bar.high)
          ? ` (${formatNumber(bar.low)} to ${formatNumber(bar.high)})`
          : '';
      return `${group.name}, ${bar.name}: ${value}${interval}.`;
    }),
    ...levelsOf(group).map((level) => `${group.name}, ${level.name}: ${formatNumber(level.value)}.`),
  ]);
  const references = lines.map((line) => `${line.name}: ${formatNumber(line.value)}.`);
  return [`Bar chart of ${yLabel}.`, ...bars, ...references].join(' ');
}
