import { GramError } from '@gram/base';

/** Codes of `PpoError`. */
export type PpoErrorCode =
  | 'bad-checkpoint'
  | 'bad-option'
  | 'bad-reward'
  | 'diverged'
  | 'no-data'
  | 'output-in-use'
  | 'rank-failed'
  | 'reward-failed';

/** An error of RLHF. */
export class PpoError extends GramError<PpoErrorCode> {
  override readonly name = 'PpoError';
}
