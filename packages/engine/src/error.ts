import { GramError } from '@gram/base';

/** Codes of the engine's errors. */
export type EngineErrorCode =
  | 'unmapped-kernel'
  | 'traced-value-read'
  | 'bad-array'
  | 'bad-tree'
  | 'bad-state'
  | 'bad-graph'
  | 'runtime-missing'
  | 'runtime'
  | 'unknown-device'
  | 'device-unavailable'
  | 'out-of-memory'
  | 'cancelled'
  | 'fixed-shape'
  | 'bad-precision'
  | 'bad-file'
  | 'disposed';

/** An error of the engine: a function that cannot be traced, a device that does not work, or a run that failed. */
export class EngineError extends GramError<EngineErrorCode> {
  override readonly name = 'EngineError';
}
