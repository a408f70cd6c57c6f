import { GramError } from '@gram/base';

/** An error of the synthetic world; `code` is stable, `hint` says what to do. */
export class WorldError extends GramError<'bad-option' | 'unknown-task'> {
  override readonly name = 'WorldError';
}
