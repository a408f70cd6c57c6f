import { describe, expect, it } from 'vitest';
import { type LineChartOptions, lineChart, type Series } from './line-chart.js';

const chart = (points: [number, number][], more: Partial<LineChartOptions> = {}) =>
  lineChart({ title: 'Loss', xLabel: 'step', yLabel: 'nats', series: [{ name: 'train', points }], ...more });

/** The paths of the data: those of the legend are relative (`h18`). */
const paths = (svg: string) =>
  [...svg.matchAll(/<path class="([^"]*)" d="([^"]*)"/g)]
    .map(([, className, d]) => ({ className: className!, d: d! }))
    .filter(({ d }) => !d.includes('h18'));

const pairs = (d: string) =>
  [...d.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)].map((match) => [Number(match[1]), Number(match[2])]);
const xs = (d: string) => pairs(d).map(([x]) => x!);
const ys = (d: string) => pairs(d).map(([, y]) => y!);

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

  it('describes the last interval', () => {
    const described = (band: Series['band']) =>
      chart([], { series: [{ name: 'train', points: [[0, 1]], band }] });
    expect(
      described([
        [0, 0.5, 1.5],
        [8, 0.25, 3],
        [9, 1, Number.NaN],
      ]),
    ).toContain('train: 1 at 0, 1 at 0, interval 0.25 to 3 at 8.</desc>');
    expect(described([])).toContain('train: 1 at 0, 1 at 0.</desc>');
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

  it('breaks a long series too', () => {
    const points = Array.from({ length: 50_000 }, (_, x): [number, number] => [
      x,
      x === 31_234 ? Number.NaN : 1,
    ]);
    const [path] = paths(chart(points));
    expect(path!.d.match(/M/g)).toHaveLength(2);
  });

  it('joins the points in their order where x goes back', () => {
    const [path] = paths(
      chart([
        [0, 0],
        [2, 1],
        [1, 2],
      ]),
    );
    const [first, second, third] = xs(path!.d);
    expect(third! - first!).toBeCloseTo((second! - first!) / 2, 0);
    expect(second).toBe(484);
  });

  it('keeps how far a long series that goes back reached', () => {
    const points = Array.from({ length: 50_000 }, (_, at): [number, number] => [at === 31_234 ? 9 : 1, at]);
    const reached = xs(paths(chart(points))[0]!.d);
    expect(reached.filter((x) => x === Math.max(...reached))).toHaveLength(1);
  });
});

describe('the band of a line chart', () => {
  const banded = (band: Series['band'], more: Partial<Series> = {}) =>
    chart([], { series: [{ name: 'train', points: [[0, 5]], band, ...more }] });

  it('runs along the upper ends and back along the lower ones', () => {
    const [band] = paths(
      banded([
        [0, 4, 6],
        [2, 2, 8],
        [1, 0, 10],
      ]),
    );
    expect(band!.className).toBe('gram-band gram-s0');
    const [left, , middle] = xs(band!.d);
    expect(xs(band!.d)).toEqual([left, 484, middle, middle, 484, left]);
    const heights = ys(band!.d);
    expect([...heights].sort((first, second) => second - first)).toEqual(
      [3, 4, 5, 0, 1, 2].map((at) => heights[at]),
    );
    expect(band!.d).toMatch(/Z$/);
  });

  it('lies behind the lines of all series', () => {
    const series = ['a', 'b'].map((name): Series => ({ name, points: [[0, 5]], band: [[0, 4, 6]] }));
    const names = paths(chart([], { series, smooth: 0.5 })).map(({ className }) => className.split(' ')[0]);
    expect(names).toEqual([...Array(2).fill('gram-band'), ...Array(4).fill('gram-line')]);
  });

  it('widens the axes', () => {
    const svg = banded([
      [-20, 4, 6],
      [40, -70, 90],
    ]);
    expect(svg).toMatch(/>−100<.*>100<.*>−20<.*>40</);
  });

  it('breaks where an end is not finite', () => {
    const [band] = paths(
      banded([
        [0, 4, 6],
        [1, 4, 6],
        [2, Number.NaN, 6],
        [3, 4, 6],
        [4, 4, Number.POSITIVE_INFINITY],
        [Number.NaN, 4, 6],
      ]),
    );
    expect(band!.d.match(/M/g)).toHaveLength(2);
    expect(band!.d.match(/Z/g)).toHaveLength(2);
    expect(pairs(band!.d)).toHaveLength(6);
  });

  it('is drawn without a line and not without an interval', () => {
    expect(banded([[0, 4, 6]], { points: [] })).toContain('train: no data, interval 4 to 6 at 0.');
    expect(banded([[0, Number.NaN, 6]], { points: [] })).toContain('No data to show');
  });

  it('keeps the spikes of a long series on both sides', () => {
    const [band] = paths(
      banded(
        Array.from({ length: 50_000 }, (_, x): [number, number, number] => [
          x,
          x === 20_001 ? -9 : 4,
          x === 31_234 ? 9 : 6,
        ]),
      ),
    );
    const heights = ys(band!.d);
    expect(heights.length).toBeLessThan(2600);
    for (const end of [Math.min(...heights), Math.max(...heights)]) {
      expect(heights.filter((y) => y === end)).toHaveLength(1);
    }
  });
});

describe('the marks of a line chart', () => {
  const points: [number, number][] = [
    [0, 1],
    [1, Number.NaN],
    [2, 3],
  ];
  const centres = (svg: string) =>
    [...svg.matchAll(/<circle class="gram-fill gram-s0" cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);

  it('stand on each point and in the legend', () => {
    const svg = chart([], { series: [{ name: 'train', points, marks: true }], smooth: 0.9 });
    const [legend, ...dots] = centres(svg);
    expect(legend).toEqual([10, 46]);
    expect(dots).toEqual(pairs(paths(svg)[0]!.d));
    expect(dots).toHaveLength(2);
  });

  it('are joined as they are where other lines are smoothed', () => {
    const few: [number, number][] = [
      [0, 0],
      [1, 9],
      [2, 0],
    ];
    const series = [
      { name: 'a', points: few },
      { name: 'b', points: few, marks: true },
    ];
    const drawn = paths(chart([], { series, smooth: 0.9 })).filter(({ className }) =>
      className.includes('gram-line'),
    );
    const of = (index: number) =>
      drawn.filter(({ className }) => className.includes(`gram-s${index}`)).map(({ d }) => d);
    // The smoothed line and the faint one under it.
    expect(of(0)).toHaveLength(2);
    expect(of(1)).toEqual([of(0).find((d) => d !== of(0).at(-1))]);
  });

  it('are drawn only where they are asked for', () => {
    expect(centres(chart(points))).toEqual([]);
  });
});
