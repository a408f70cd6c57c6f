import type { RunMetrics } from '@gram/run';

/** Means over held-out examples. */
export type ValidationResult = {
  readonly loss: number;
  /** Share of the pairs that were ordered correctly, where the objective orders pairs. */
  readonly accuracy?: number;
};

/** One optimizer step, as it is logged. */
export type TrainingRecord = {
  /** Number of the step, from 1. */
  readonly step: number;
  readonly loss: number;
  /** Share of the pairs of the step that were ordered correctly, where the objective orders pairs. */
  readonly accuracy?: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Tokens of the step, padding left out. */
  readonly tokens: number;
  /** Held-out numbers, where held-out examples were measured after this step. */
  readonly validation?: ValidationResult;
};

/** Curves and evaluations of the records of training. The best step is the one with the lowest loss on held-out examples. */
export const trainingMetrics: RunMetrics = {
  curves: [
    { name: 'loss', title: 'Loss', unit: 'nats', group: 'train', evaluation: 'loss', isHeadline: true },
    {
      name: 'accuracy',
      title: 'Accuracy',
      unit: 'share of pairs',
      group: 'train',
      evaluation: 'accuracy',
      isHeadline: true,
    },
    { name: 'gradientNorm', title: 'Gradient norm', unit: 'before clipping', group: 'train' },
    { name: 'learningRate', title: 'Learning rate', unit: 'per step', group: 'train', isNoisy: false },
  ],
  evaluation: 'held-out',
  bestBy: [{ name: 'loss', better: 'lower' }],
  finite: ['loss', 'gradientNorm'],
};
