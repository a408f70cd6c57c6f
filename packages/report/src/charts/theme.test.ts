import { describe, expect, it } from 'vitest';
import { BAND_OPACITY, COLORS, chartStyle, themes } from './theme.js';

type Color = [number, number, number];

/** Linear RGB of `#rrggbb`. */
function linear(hex: string): Color {
  return [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as Color;
}

/** `#rrggbb` of a color over another; browsers mix the values as they are written. */
function over(front: string, back: string, opacity: number): string {
  const parts = [1, 3, 5].map((at) => {
    const [above, below] = [front, back].map((hex) => Number.parseInt(hex.slice(at, at + 2), 16));
    return Math.round(opacity * above! + (1 - opacity) * below!)
      .toString(16)
      .padStart(2, '0');
  });
  return `#${parts.join('')}`;
}

const times = (matrix: number[][], color: Color) =>
  matrix.map((row) => row.reduce((sum, weight, at) => sum + weight * color[at]!, 0)) as Color;

/** Contrast ratio of WCAG 2. */
function contrast(first: string, second: string): number {
  const [low, high] = [first, second]
    .map((hex) => times([[0.2126, 0.7152, 0.0722]], linear(hex))[0]!)
    .sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

/** Distance in OKLab (Ottosson, 2020). */
function distance(first: Color, second: Color): number {
  const lab = (color: Color) =>
    times(
      [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
      ],
      times(
        [
          [0.4122214708, 0.5363325363, 0.0514459929],
          [0.2119034982, 0.6806995451, 0.1073969566],
          [0.0883024619, 0.2817188376, 0.6299787005],
        ],
        color,
      ).map(Math.cbrt) as Color,
    );
  const [a, b] = [lab(first), lab(second)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** Simulation of full color blindness on linear RGB (Machado, Oliveira and Fernandes, 2009). */
const blindness: Record<string, number[][]> = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

describe.each(Object.entries(themes))('the %s theme', (_, theme) => {
  it('has a color for each series', () => {
    expect(theme.series).toHaveLength(COLORS);
    for (const color of theme.series) expect(contrast(color, theme.background)).toBeGreaterThanOrEqual(3);
  });

  it('shows bands and the lines on them', () => {
    for (const color of theme.series) {
      const band = over(color, theme.background, BAND_OPACITY);
      expect.soft(distance(linear(band), linear(theme.background)), color).toBeGreaterThan(0.05);
      // Two bands of its own color are the hardest background that a line is likely to have.
      expect.soft(contrast(color, over(color, band, BAND_OPACITY)), color).toBeGreaterThan(2.2);
    }
  });

  it('has readable text', () => {
    for (const color of [theme.ink, theme.soft]) {
      expect(contrast(color, theme.background)).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each(Object.entries(blindness))('keeps neighboring series apart under %s', (_name, matrix) => {
    const seen = theme.series.map(
      (hex) => times(matrix, linear(hex)).map((value) => Math.min(1, Math.max(0, value))) as Color,
    );
    for (let at = 1; at < seen.length; at++)
      expect.soft(distance(seen[at - 1]!, seen[at]!), `${at}`).toBeGreaterThan(0.1);
  });
});

it('switches to the dark theme on dark screens and not on paper', () => {
  expect(chartStyle).toContain('@media screen and (prefers-color-scheme:dark)');
});
