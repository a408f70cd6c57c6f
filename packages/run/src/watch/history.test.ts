import { describe, expect, it } from 'vitest';
import { exampleMetrics, exampleStep } from './__fixtures__/steps.js';
import { drawCurves } from './curves.js';
import { createHistory as createHistoryOf, drawnMetrics, type HistoryRow, type Summary } from './history.js';

const metrics = drawnMetrics(exampleMetrics);
const createHistory = (limit: number) => createHistoryOf(limit, metrics);
const indices = new Map(metrics.map(({ name }, index) => [name, index]));
const numbersOf = ({ summaries }: HistoryRow, name: string): Summary => summaries[indices.get(name)!]!;

describe('createHistory', () => {
  it('has a row for each step while they last', () => {
    const history = createHistory(4);
    for (const step of [1, 2, 3, 4]) history.add(exampleStep(step, 9));
    expect(history.stepsPerRow()).toBe(1);
    expect(history.rows().map(({ from, to }) => [from, to])).toEqual(
      [1, 2, 3, 4].map((step) => [step, step]),
    );
    const { loss } = exampleStep(3, 9);
    expect(numbersOf(history.rows()[2]!, 'loss')).toEqual({ mean: loss, low: loss, high: loss });
  });

  it('then merges neighbors: all steps count once, means and extremes are those of the steps', () => {
    const limit = 10;
    for (const steps of [11, 20, 21, 57, 400, 1000]) {
      const history = createHistory(limit);
      const records = Array.from({ length: steps }, (_, index) => exampleStep(index + 1, steps));
      for (const record of records) {
        history.add(record);
        expect(history.rows().length).toBeLessThanOrEqual(limit);
      }
      const rows = history.rows();
      expect(rows.length).toBeGreaterThan(limit / 2);
      let next = 1;
      for (const row of rows) {
        const { from, to } = row;
        const loss = numbersOf(row, 'loss');
        expect(from).toBe(next);
        next = to + 1;
        const losses = records.slice(from - 1, to).map(({ loss: value }) => value);
        expect(loss.mean).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / losses.length, 12);
        expect([loss.low, loss.high]).toEqual([Math.min(...losses), Math.max(...losses)]);
        if (to < steps) expect(to - from + 1).toBe(history.stepsPerRow());
      }
      expect(next).toBe(steps + 1);
    }
  });

  it('leaves out what is missing or not finite', () => {
    const history = createHistory(2);
    const { accuracy, tokensPerSecond, memoryBytes, ...bare } = exampleStep(1, 9);
    history.add(bare);
    history.add({ ...bare, step: 2, loss: Number.NaN });
    history.add({ ...bare, step: 3, loss: 7, gradientNorm: Number.POSITIVE_INFINITY });
    const [first, last] = history.rows();
    expect(numbersOf(first!, 'loss')).toEqual({ mean: bare.loss, low: bare.loss, high: bare.loss });
    expect(numbersOf(first!, 'accuracy').mean).toBeNaN();
    expect(numbersOf(last!, 'loss').mean).toBe(7);
    expect(numbersOf(last!, 'gradientNorm').high).toBeNaN();
  });
});

describe('drawCurves', () => {
  const titles = (charts: string[]) => charts.map((chart) => /<title[^>]*>([^<]*)</.exec(chart)![1]);

  it('draws accuracy where there is one, and areas where steps are merged', () => {
    const history = createHistory(100);
    const { accuracy, ...bare } = exampleStep(1, 9);
    history.add(bare);
    expect(titles(drawCurves(history, exampleMetrics))).toEqual([
      'Loss',
      'Gradient norm',
      'Learning rate',
      'Speed',
    ]);
    history.add({ ...exampleStep(2, 9), accuracy });
    expect(titles(drawCurves(history, exampleMetrics))).toEqual([
      'Loss',
      'Accuracy',
      'Gradient norm',
      'Learning rate',
      'Speed',
    ]);
    expect(drawCurves(history, exampleMetrics).join('')).not.toContain('class="gram-band');
    for (let step = 3; step <= 150; step++) history.add(exampleStep(step, 150));
    const charts = drawCurves(history, exampleMetrics);
    expect(charts.every((chart) => chart.includes('class="gram-band'))).toBe(true);
    expect(charts[0]).toContain('moving average, and range of 2 steps');
  });

  it('stands the numbers of a run that diverges', () => {
    const history = createHistory(4);
    const extremes = [1e308, 1e308, -1e308, Number.POSITIVE_INFINITY, Number.NaN, 0, 5e-324, 1e308, 1e308];
    extremes.forEach((loss, index) => {
      history.add({ ...exampleStep(index + 1, 9), loss, gradientNorm: loss, tokensPerSecond: Number.NaN });
      expect(drawCurves(history, exampleMetrics).join('')).not.toMatch(/NaN|Infinity/);
    });
  });
});
