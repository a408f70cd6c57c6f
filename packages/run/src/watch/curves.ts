import { lineChart } from '@gram/report';
import type { RunMetrics } from '../metrics.js';
import { speedCurve } from '../step-meter.js';
import { evaluationName, type History, type HistoryRow, type Summary } from './history.js';

/** Rows from which on the noise of single steps is averaged, as in the report of a run. */
const SMOOTHED_ROWS = 50;

const UNKNOWN: Summary = { mean: Number.NaN, low: Number.NaN, high: Number.NaN };

/**
 * The charts of a run as SVG, one for each curve that has a number, and that of its speed. A point is the mean of the steps of
 * a row; where these are several, an area spans from their lowest to their highest number. Evaluations are marks.
 */
export function drawCurves(history: History, metrics: RunMetrics): string[] {
  const rows = history.rows();
  const steps = history.stepsPerRow();
  const smoothed = rows.length > SMOOTHED_ROWS;
  const indices = new Map(history.metrics.map(({ name }, index) => [name, index]));
  const summariesOf = (name: string) => {
    const index = indices.get(name) ?? -1;
    return rows.map((row) => ({ row, ...(row.summaries[index] ?? UNKNOWN) }));
  };
  return [...metrics.curves, speedCurve].flatMap(({ name, title, unit, evaluation, isNoisy = true }) => {
    const smooth = smoothed && isNoisy ? 0.9 : 0;
    const average = smooth > 0 ? 'moving average' : steps === 1 ? 'each step' : 'mean';
    const label = steps === 1 ? average : `${average}, and range of ${steps} steps`;
    const own = summariesOf(name);
    const points = own.map(({ row, mean }): [number, number] => [row.to, mean]);
    const band = steps === 1 ? undefined : own.map(interval);
    const held = (evaluation === undefined ? [] : summariesOf(evaluationName(evaluation)))
      .map(({ row, mean }): [number, number] => [row.to, mean])
      .filter(([, value]) => !Number.isNaN(value));
    // A run that diverged, or has just begun, shows empty charts of what every step has.
    const isDrawn = points.some(([, value]) => !Number.isNaN(value)) || held.length > 0;
    if (!isDrawn && !metrics.finite?.includes(name) && name !== speedCurve.name) return [];
    const series = [
      { name: label, points, band },
      ...(held.length === 0 ? [] : [{ name: `${metrics.evaluation} data`, points: held, marks: true }]),
    ];
    return [lineChart({ title, xLabel: 'step', yLabel: unit, series, smooth })];
  });
}

function interval({ row, low, high }: Summary & { readonly row: HistoryRow }): [number, number, number] {
  return [row.to, low, high];
}
