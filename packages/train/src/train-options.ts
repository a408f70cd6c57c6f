import { z } from 'zod';
import { checkOptions } from './check-options.js';
import { adamW } from './optimizers/adamw.js';
import { isOptimizer, type Optimizer } from './optimizers/optimizer.js';
import { type PaceInput, paceSettings } from './steps/pace.js';

/** Settings of the optimizer steps, and what decides them besides. */
export interface TrainOptions extends PaceInput {
  /** @default adamW() */
  readonly optimizer?: Optimizer;
  /** Decides the order of the data. @default 0 */
  readonly seed?: number;
}

const schema = z.strictObject({
  ...paceSettings,
  optimizer: z
    .custom<Optimizer>(isOptimizer, 'must be an optimizer, for example adamW()')
    .default(() => adamW()),
  seed: z.int().default(0),
});

/** Settings of the optimizer steps with their defaults. */
export type TrainSettings = Readonly<z.output<typeof schema>>;

/**
 * Checks options and fills in the defaults.
 *
 * @throws {TrainError} `bad-option`, naming the option
 */
export function checkedOptions(options: TrainOptions): TrainSettings {
  return checkOptions(schema, options);
}
