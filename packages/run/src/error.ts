import { GramError } from '@gram/base';

/** Code of a `RunError`: the kind of problem in a run beside its training. */
export type RunErrorCode =
  | 'exists'
  | 'unwritable'
  | 'in-use'
  | 'output-lost'
  | 'no-checkpoint'
  | 'bad-checkpoint'
  | 'interrupted'
  | 'bad-port';

/** An error of a run; `code` is stable, `hint` says what to do. */
export class RunError extends GramError<RunErrorCode> {
  override readonly name = 'RunError';
}
