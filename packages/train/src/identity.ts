import { isNDArray } from '@gram/engine';
import type { ModelConfig } from '@gram/model';
import { type Fingerprint, fingerprintOf, fingerprintOfWeights, fingerprintsOf } from '@gram/run';
import type { ExampleSource } from './examples/source.js';
import type { Objective } from './objectives/objective.js';
import { type TrainedPart, wholeModel } from './parts/trained-part.js';
import type { TrainSettings } from './train-options.js';

/** What a run is made of. */
export interface RunParts<Example> {
  readonly config: ModelConfig;
  readonly part?: TrainedPart;
  readonly objective: Objective<Example>;
  readonly examples: ExampleSource<Example>;
  readonly heldOut?: ExampleSource<Example> | undefined;
  readonly options: TrainSettings;
  /** Hashes of other parts by name. */
  readonly identity?: Fingerprint;
}

/**
 * Identifies a run by everything that it is made of, and not by its progress: part by part, so that a refusal can name what
 * differs. The weights that are trained are those of the checkpoint; what lies under them is a part.
 */
export function identityOf<Example>({
  config,
  part = wholeModel,
  objective,
  examples,
  heldOut,
  options,
  identity,
}: RunParts<Example>): Fingerprint {
  const { optimizer, ...settings } = options;
  const frozen = Object.entries(part.frozen).flatMap(([name, array]) =>
    isNDArray(array) ? [[name, array] as const] : [],
  );
  return {
    architecture: fingerprintOf(config),
    objective: fingerprintOf([objective.name, part.name]),
    ...fingerprintsOf({ ...settings, optimizer: optimizer.name }),
    'training data': fingerprintOf(examples.count, examples.identity()),
    ...(heldOut && { 'held-out data': fingerprintOf(heldOut.count, heldOut.identity()) }),
    ...(frozen.length > 0 && { 'base weights': fingerprintOfWeights(Object.fromEntries(frozen)) }),
    ...identity,
  };
}
