import { describe, expect, it } from 'vitest';
import { type BarChartOptions, type BarGroup, barChart } from './bar-chart.js';

const chart = (groups: BarGroup[], more: Partial<BarChartOptions> = {}) =>
  barChart({ title: 'Accuracy', yLabel: 'share', groups, ...more });

/** Bars without legend marks, which are 14 by 12. */
const bars = (svg: string) =>
  [
    ...svg.matchAll(
      /<rect class="gram-fill gram-s(\d)" x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)"/g,
    ),
  ]
    .map((match) => match.slice(1).map(Number) as [number, number, number, number, number])
    .map(([color, x, y, width, height]) => ({ color, x, y, width, height }))
    .filter(({ width, height }) => width !== 14 || height !== 12);

const references = (svg: string) =>
  [
    ...svg.matchAll(/<line class="gram-reference"[^>]* y1="([^"]*)"[^>]*><text [^>]*y="([^"]*)">([^<]*)</g),
  ].map(([, line, label, text]) => ({ line: Number(line), label: Number(label), text }));

describe('barChart', () => {
  it('starts bars at zero, with heights in proportion', () => {
    const [low, high] = bars(
      chart([
        {
          name: 'test',
          bars: [
            { name: 'a', value: 0.3 },
            { name: 'b', value: 0.6 },
          ],
        },
      ]),
    );
    expect(high!.height / low!.height).toBeCloseTo(2, 1);
    expect(low!.y + low!.height).toBeCloseTo(high!.y + high!.height, 0);
    expect(low!.color).not.toBe(high!.color);
  });

  it('gives bars of one name one color in all groups', () => {
    const drawn = bars(
      chart([
        {
          name: 'x',
          bars: [
            { name: 'a', value: 1 },
            { name: 'b', value: 2 },
          ],
        },
        { name: 'y', bars: [{ name: 'b', value: 3 }] },
      ]),
    );
    expect(drawn.map(({ color }) => color)).toEqual([0, 1, 1]);
  });

  it('hangs negative bars from zero', () => {
    const [up, down] = bars(
      chart([
        {
          name: 'x',
          bars: [
            { name: 'a', value: 2 },
            { name: 'b', value: -1 },
          ],
        },
      ]),
    );
    expect(down!.y).toBeCloseTo(up!.y + up!.height, 0);
  });

  it('draws a whisker only where the interval has two ends', () => {
    const svg = chart([
      {
        name: 'x',
        bars: [
          { name: 'a', value: 1, low: 0.5, high: 1.5 },
          { name: 'b', value: 1, low: 0.5 },
          { name: 'c', value: 1, low: Number.NaN, high: 2 },
        ],
      },
    ]);
    expect(svg.match(/class="gram-whisker"/g)).toHaveLength(1);
    expect(svg).toContain('x, a: 1 (0.5 to 1.5).');
  });

  it('keeps the place of a bar without a value', () => {
    const group = (value: number) => [
      {
        name: 'x',
        bars: [
          { name: 'a', value },
          { name: 'b', value: 1 },
        ],
      },
    ];
    const svg = chart(group(Number.NaN));
    expect(bars(svg)).toHaveLength(1);
    expect(bars(svg)[0]!.x).toBe(bars(chart(group(1)))[1]!.x);
    expect(svg).toContain('x, a: no value.');
    expect(svg).not.toContain('NaN');
  });

  it('says that there is no data', () => {
    expect(chart([])).toContain('No data to show');
    expect(chart([{ name: 'x', bars: [] }])).toContain('No data to show');
  });

  it('moves the labels of close reference lines apart', () => {
    const lines = [
      { name: 'ceiling', value: 0.9 },
      { name: 'annotator', value: 0.89 },
      { name: 'chance', value: 0.5 },
      { name: 'nothing', value: Number.NaN },
    ];
    const found = references(chart([{ name: 'x', bars: [{ name: 'a', value: 1 }] }], { lines }));
    expect(found.map(({ text }) => text)).toEqual(['ceiling 0.9', 'annotator 0.89', 'chance 0.5']);
    expect(found[1]!.line - found[0]!.line).toBeLessThan(4);
    expect(found[1]!.label - found[0]!.label).toBeGreaterThanOrEqual(15);
  });

  it('draws a level of one group over the bars of that group only', () => {
    const group = (name: string, value: number) => ({
      name,
      bars: [{ name: 'a', value: 0.5 }],
      lines: [{ name: 'ceiling', value }],
    });
    const svg = chart([group('x', 0.9), group('y', 0.8), { name: 'z', bars: [{ name: 'a', value: 0.4 }] }]);
    const drawn = [...svg.matchAll(/<line class="gram-reference" x1="([^"]*)" x2="([^"]*)" y1="([^"]*)"/g)];
    const [first, second] = drawn.map((match) => match.slice(1).map(Number) as [number, number, number]);
    expect(drawn).toHaveLength(2);
    expect(first![1]).toBeLessThan(second![0]);
    expect(first![2]).toBeLessThan(second![2]);
    expect(bars(svg)[0]!.y).toBeGreaterThan(first![2]);
    expect(svg).toContain('>ceiling 0.9</text>');
    expect(svg).toContain('x, ceiling: 0.9.');
    expect(svg).not.toContain('z, ceiling');
  });

  it('keeps to a given axis and cuts what is beyond it', () => {
    const group = [
      {
        name: 'x',
        bars: [
          { name: 'a', value: 5 },
          { name: 'b', value: 0.75 },
        ],
      },
    ];
    const svg = chart(group, { yMin: 0.5, yMax: 1 });
    expect(svg).toContain('>0.5</text>');
    expect(svg).toContain('>1.0</text>');
    expect(bars(svg)[0]!.height / bars(svg)[1]!.height).toBeCloseTo(2, 1);
  });

  it('turns group names that do not fit side by side', () => {
    const group = (name: string) => ({ name, bars: [{ name: 'a', value: 1 }] });
    expect(chart(['in', 'out of distribution'].map(group))).not.toContain('rotate');
    expect(chart(Array.from({ length: 9 }, () => 'arithmetic').map(group)).match(/rotate/g)).toHaveLength(9);
  });

  it('escapes names', () => {
    const name = '<i>&';
    const svg = chart(
      [
        {
          name,
          bars: [
            { name, value: 1 },
            { name: 'b', value: 2 },
          ],
        },
      ],
      {
        lines: [{ name, value: 1 }],
      },
    );
    expect(svg).not.toContain('<i>');
    expect(svg.match(/&lt;i&gt;&amp;/g)!.length).toBeGreaterThanOrEqual(4);
  });
});
