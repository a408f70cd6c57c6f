import { GramError } from '@gram/base';

/** Code of a `CliError`: the kind of problem. */
export type CliErrorCode =
  | 'usage'
  | 'exists'
  | 'unwritable'
  | 'no-checkpoint'
  | 'too-long'
  | 'interrupted'
  | 'no-text'
  | 'bad-file'
  | 'bad-label';

/** An error of a command. */
export class CliError extends GramError<CliErrorCode> {
  override readonly name = 'CliError';
}
