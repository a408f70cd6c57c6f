import { describe, expect, it } from 'vitest';
import { type LineChartOptions, lineChart } from './line-chart.js';

const chart = (points: [number, number][], more: Partial<LineChartOptions> = {}) =>
  lineChart({ title: 'Loss', xLabel: 'step', yLabel: 'nats', series: [{ name: 'train', points }], ...more });

/** The paths of data lines: those of the legend are relative (`h18`). */
const paths = (svg: string) =>
  [...svg.matchAll(/<path class="([^"]*)" d="([^"]*)"/g)]
    .map(([, className, d]) => ({ className: className!, d: d! }))
    .filter(({ d }) => !d.endsWith('h18'));

const ys = (d: string) => [...d.matchAll(/[ML][\d.-]+ ([\d.-]+)/g)].map((match) => Number(match[1]));

describe('lineChart', () => {
  it('is an image with a name and a description', () => {
    const svg = chart([
      [0, 2],
      [10, 0.5],
    ]);
    expect(svg).toMatch(
      /^<svg [^>]*role="img" aria-labelledby="(gram-\w+-title)" aria-describedby="gram-\w+-desc"/,
    );
    expect(svg).toMatch(/<title id="gram-\w+-title">Loss<\/title>/);
    expect(svg).toContain('Line chart of nats over step. train: 2 at 0, 0.5 at 10.');
    expect(svg).not.toContain('NaN');
  });

  it('escapes names', () => {
    const name = `<b onload="x">'&`;
    const svg = chart([[0, 1]], {
      title: name,
      xLabel: name,
      yLabel: name,
      series: [{ name, points: [[0, 1]] }],
    });
    expect(svg).not.toContain('<b');
    expect(svg.match(/&lt;b onload=&quot;x&quot;&gt;&#39;&amp;/g)!.length).toBeGreaterThanOrEqual(6);
  });

  it('breaks the line at a value that is not finite', () => {
    const [path] = paths(
      chart([
        [0, 1],
        [1, 2],
        [2, Number.NaN],
        [3, 2],
        [4, Number.POSITIVE_INFINITY],
        [5, 1],
        [Number.NaN, 1],
      ]),
    );
    expect(path!.d.match(/M/g)).toHaveLength(3);
    expect(path!.d.match(/L/g)).toHaveLength(1);
  });

  it.each([
    ['no series', []],
    ['no points', [{ name: 'a', points: [] }]],
    ['nothing finite', [{ name: 'a', points: [[0, Number.NaN]] as [number, number][] }]],
  ])('says that there is no data: %s', (_, series) => {
    const svg = chart([], { series });
    expect(svg).toContain('No data to show');
    expect(svg).toContain('>Loss</text>');
  });

  it('draws the moving average of a constant as that constant', () => {
    const drawn = paths(
      chart(
        [0, 1, 2, 3].map((x) => [x, 5]),
        { smooth: 0.9 },
      ),
    );
    expect(drawn.map(({ className }) => className.includes('gram-raw'))).toEqual([true, false]);
    expect(new Set(ys(drawn[1]!.d)).size).toBe(1);
    expect(ys(drawn[1]!.d)).toEqual(ys(drawn[0]!.d));
  });

  it('averages with the given weight', () => {
    // m = 0.5 * 0 + 0.5 * 1 over a share of 0.75: two thirds of the way up.
    const [raw, mean] = paths(
      chart(
        [
          [0, 0],
          [1, 1],
        ],
        { smooth: 0.5 },
      ),
    ).map(({ d }) => ys(d));
    expect((raw![0]! - mean![1]!) / (raw![0]! - raw![1]!)).toBeCloseTo(2 / 3, 2);
  });

  it('refuses another smoothing', () => {
    for (const smooth of [1, -0.1, Number.NaN]) {
      expect(() => chart([[0, 1]], { smooth })).toThrow(expect.objectContaining({ code: 'bad-chart' }));
    }
  });

  it('keeps the spikes of a long series', () => {
    const points = Array.from({ length: 50_000 }, (_, x): [number, number] => [x, x === 31_234 ? 9 : 1]);
    const [path] = paths(chart(points));
    expect(ys(path!.d).length).toBeLessThan(1300);
    expect(ys(path!.d).filter((y) => y === Math.min(...ys(path!.d)))).toHaveLength(1);
  });
});
