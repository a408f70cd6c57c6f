import type { Axis } from './scale.js';
import { toPixels } from './scale.js';
import { element, FONT_SIZE, fitText, svg, TITLE_SIZE, textElement, textWidth, WIDTH } from './svg.js';
import { COLORS } from './theme.js';

const PLOT_HEIGHT = 220;
/** The left edge of all text, so that a chart lines up with the page around it. */
export const EDGE = 1;
const LEGEND_ROW = 22;
const SWATCH = 18;

/** The rectangle that data is drawn in, in view box units. */
export interface Plot {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface FrameOptions {
  title: string;
  yLabel: string;
  yAxis: Axis;
  /** Names in order of their colors. */
  legend: string[];
  /** Draws a legend mark, centred on (x, y) and at most `SWATCH` wide. */
  mark: (index: number, x: number, y: number) => string;
  /** Room at the right of the plot. @default 16 */
  marginRight?: number;
}

/** Draws what every chart shares: title, legend, y axis and grid. */
export function frame(options: FrameOptions): { plot: Plot; markup: string } {
  const { yAxis } = options;
  const tickWidth = Math.max(...yAxis.labels.map((label) => textWidth(label)));
  const left = EDGE + tickWidth + 8;
  const right = WIDTH - (options.marginRight ?? 16);
  const parts = [
    textElement(fitText(options.title, WIDTH - 2 * EDGE, TITLE_SIZE * 1.08), EDGE, 22, {
      class: 'gram-title',
    }),
  ];
  const legend = legendRows(options);
  parts.push(legend.markup);
  const top = 34 + legend.height + 42;
  const plot = { left, right, top, bottom: top + PLOT_HEIGHT };
  parts.push(textElement(fitText(options.yLabel, WIDTH - 2 * EDGE), EDGE, top - 20, { class: 'gram-soft' }));
  const y = toPixels(yAxis, plot.bottom, plot.top);
  for (const [index, tick] of yAxis.ticks.entries()) {
    const at = y(tick);
    parts.push(
      element('line', { class: 'gram-grid', x1: left, x2: right, y1: at, y2: at }),
      textElement(yAxis.labels[index] ?? '', left - 8, at + FONT_SIZE * 0.35, {
        class: 'gram-soft',
        'text-anchor': 'end',
      }),
    );
  }
  return { plot, markup: parts.join('') };
}

/** Returns the class that gives a mark the color of its series. */
export function seriesClass(index: number): string {
  return `gram-s${index % COLORS}`;
}

/** Draws a chart without data, which keeps its title and says so. */
export function emptyChart(title: string): string {
  const height = 120;
  const words = 'No data to show';
  return svg(
    title,
    `${words}.`,
    height,
    textElement(fitText(title, WIDTH - 2 * EDGE, TITLE_SIZE * 1.08), EDGE, 22, { class: 'gram-title' }) +
      textElement(words, WIDTH / 2, height / 2 + 12, { class: 'gram-soft', 'text-anchor': 'middle' }),
  );
}

function legendRows({ legend, mark }: FrameOptions): { markup: string; height: number } {
  const parts: string[] = [];
  let x = EDGE;
  let row = 0;
  legend.forEach((name, index) => {
    const label = fitText(name, WIDTH - 2 * EDGE - SWATCH - 6);
    const width = SWATCH + 6 + textWidth(label);
    if (x > EDGE && x + width > WIDTH - EDGE) {
      x = EDGE;
      row += 1;
    }
    const y = 46 + row * LEGEND_ROW;
    parts.push(mark(index, x + SWATCH / 2, y), textElement(label, x + SWATCH + 6, y + FONT_SIZE * 0.35));
    x += width + 16;
  });
  return { markup: parts.join(''), height: legend.length > 0 ? (row + 1) * LEGEND_ROW : 0 };
}
