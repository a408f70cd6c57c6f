import { adafactorEntry } from './adafactor.js';
import { adamWEntry } from './adamw.js';
import type { OptimizerEntry } from './entry.js';
import type { Optimizer } from './optimizer.js';
import { sgdEntry } from './sgd.js';

/** The optimizers by name. To add one, write its file and list it here and in `ownSettings`. */
const optimizers = { adamw: adamWEntry, sgd: sgdEntry, adafactor: adafactorEntry } as const;

/** Name of an optimizer. */
export type OptimizerName = keyof typeof optimizers;

/** Names of the optimizers. */
export const optimizerNames = Object.keys(optimizers) as readonly OptimizerName[];

/** Settings that belong to one optimizer each. */
export const ownSettings = { ...adamWEntry.settings, ...sgdEntry.settings, ...adafactorEntry.settings };

/** Names of the settings that the optimizer of a name does not have. */
export function foreignSettings(name: OptimizerName): string[] {
  return Object.keys(ownSettings).filter((key) => !Object.hasOwn(optimizers[name].settings, key));
}

/** Makes the optimizer that settings name. */
export function createOptimizer(settings: {
  readonly name: OptimizerName;
  readonly weightDecay: number;
}): Optimizer {
  const entry: OptimizerEntry = optimizers[settings.name];
  return entry.create(settings);
}
