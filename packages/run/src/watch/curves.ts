import { lineChart } from '@gram/report';
import type { History, HistoryRow, MetricName } from './history.js';

interface Curve {
  readonly metric: MetricName;
  readonly title: string;
  readonly unit: string;
  /** The same number of held-out data, at the steps that have it. */
  readonly heldOut?: MetricName;
}

const curves: readonly Curve[] = [
  { metric: 'loss', title: 'Loss', unit: 'nats', heldOut: 'heldOutLoss' },
  { metric: 'accuracy', title: 'Accuracy', unit: 'share of pairs', heldOut: 'heldOutAccuracy' },
  { metric: 'gradientNorm', title: 'Gradient norm', unit: 'before clipping' },
  { metric: 'learningRate', title: 'Learning rate', unit: 'per step' },
  { metric: 'tokensPerSecond', title: 'Speed', unit: 'tokens a second' },
];

/** Rows from which on the noise of single steps is averaged, as in the report of a run. */
const SMOOTHED_ROWS = 50;

/**
 * The charts of a run as SVG: loss and accuracy where there is one, both also of held-out data, gradient norm, learning rate, speed. A point is the mean of
 * the steps of a row; where these are several, an area spans from their lowest to their highest number.
 */
export function drawCurves(history: History): string[] {
  const rows = history.rows();
  const steps = history.stepsPerRow();
  const smoothed = rows.length > SMOOTHED_ROWS;
  return curves
    .filter(
      ({ metric }) =>
        metric !== 'accuracy' || rows.some(({ metrics }) => !Number.isNaN(metrics.accuracy.mean)),
    )
    .map(({ metric, title, unit, heldOut }) => {
      const smooth = smoothed && metric !== 'learningRate' ? 0.9 : 0;
      const average = smooth > 0 ? 'moving average' : steps === 1 ? 'each step' : 'mean';
      const name = steps === 1 ? average : `${average}, and range of ${steps} steps`;
      const points = rows.map((row): [number, number] => [row.to, row.metrics[metric].mean]);
      const band = steps === 1 ? undefined : rows.map((row) => interval(row, metric));
      const held = rows
        .map((row): [number, number] => [row.to, heldOut ? row.metrics[heldOut].mean : Number.NaN])
        .filter(([, value]) => !Number.isNaN(value));
      const series = [
        { name, points, band },
        ...(held.length === 0 ? [] : [{ name: 'held-out data', points: held, marks: true }]),
      ];
      return lineChart({ title, xLabel: 'step', yLabel: unit, series, smooth });
    });
}

function interval({ to, metrics }: HistoryRow, metric: MetricName): [number, number, number] {
  const { low, high } = metrics[metric];
  return [to, low, high];
}
