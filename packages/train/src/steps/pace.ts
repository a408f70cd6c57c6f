import { z } from 'zod';

/** Fall of the learning rate after the warm-up: along a cosine or a line to zero, or not at all. */
export const scheduleNames = ['cosine', 'linear', 'constant'] as const;

/** Name of a schedule. */
export type ScheduleName = (typeof scheduleNames)[number];

const count = z.int().min(1);

/** Settings of the optimizer steps, whatever the optimizer is. */
export const paceSettings = {
  learningRate: z.number().positive().describe('highest learning rate'),
  schedule: z.enum(scheduleNames).default('cosine').describe('how the learning rate falls after the warm-up'),
  batchSize: count.describe('records of a step'),
  microBatchSize: count
    .optional()
    .meta({ description: 'records that are computed at once; fewer need less memory', usual: '`batchSize`' }),
  epochs: count.default(1).describe('how often each record is trained on'),
  warmupRatio: z.number().min(0).max(1).default(0.1).describe('share of the steps that warm up'),
  maxGradientNorm: z.number().positive().default(1).describe('largest global norm of the gradient'),
};

const { schedule, epochs, warmupRatio, maxGradientNorm } = paceSettings;

/** Values of the settings that a run does not name. */
export const paceDefaults = z.object({ schedule, epochs, warmupRatio, maxGradientNorm }).parse({});

/** Settings of the optimizer steps as they are given: those with a default may be left out. */
export type PaceInput = Readonly<z.input<z.ZodObject<typeof paceSettings>>>;
