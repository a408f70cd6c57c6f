import type { RunMetrics } from '../../metrics.js';
import type { StepCost } from '../../step-meter.js';

/** What the records of the example say. */
export const exampleMetrics: RunMetrics = {
  curves: [
    { name: 'loss', title: 'Loss', unit: 'nats', group: 'train', evaluation: 'loss', isHeadline: true },
    { name: 'accuracy', title: 'Accuracy', unit: 'share of pairs', group: 'train', isHeadline: true },
    { name: 'gradientNorm', title: 'Gradient norm', unit: 'before clipping', group: 'train' },
    { name: 'learningRate', title: 'Learning rate', unit: 'per step', group: 'train', isNoisy: false },
  ],
  evaluation: 'held-out',
  bestBy: [{ name: 'loss', better: 'lower' }],
  finite: ['loss', 'gradientNorm'],
};

/** A step of the example. */
export type ExampleStep = StepCost & {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly tokens: number;
};

/** A step of a run that learns, with a noise that is the same each time. */
export function exampleStep(step: number, total: number): ExampleStep {
  const noise = Math.sin(step * 12.9898) * Math.cos(step * 4.1414);
  const done = step / total;
  return {
    step,
    loss: 0.3 + 0.4 * Math.exp(-6 * done) + 0.08 * noise,
    accuracy: Math.min(1, Math.max(0, 0.82 - 0.3 * Math.exp(-6 * done) + 0.15 * noise)),
    gradientNorm: 1 + 0.6 * Math.exp(-9 * done) + 0.4 * Math.abs(noise),
    learningRate: 1e-3 * Math.min(1, done * 10) * 0.5 * (1 + Math.cos(Math.PI * done)),
    tokens: 4096,
    tokensPerSecond: 5200 + 400 * noise,
    memoryBytes: 1.25 * 2 ** 30,
  };
}
