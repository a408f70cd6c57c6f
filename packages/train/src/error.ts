import { GramError } from '@gram/base';

/** Code of a `TrainError`: the kind of problem. */
export type TrainErrorCode =
  | 'bad-config'
  | 'bad-option'
  | 'no-data'
  | 'bad-examples'
  | 'diverged'
  | 'bad-checkpoint'
  | 'mpi'
  | 'nccl';

/** An error of training; `code` is stable, `hint` says what to do. */
export class TrainError extends GramError<TrainErrorCode> {
  override readonly name = 'TrainError';
}
