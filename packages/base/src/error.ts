import { printable } from './text/printable.js';

/**
 * An error of a gram package.
 *
 * `code` never changes and is meant for programs, `message` says what was wrong in one sentence without a full stop, and
 * `hint` says what to do in the same style. Each package has one subclass, which names its codes. Control characters of
 * both, which come from inputs and names of files, are shown as escapes, so an error may be printed as it is.
 *
 * @example
 * ```ts
 * class TrainError extends GramError<'bad-config' | 'not-finite'> {
 *   override readonly name = 'TrainError';
 * }
 * throw new TrainError('bad-config', 'the learning rate is -1', 'give a positive number');
 * ```
 */
export class GramError<Code extends string = string> extends Error {
  override readonly name: string = 'GramError';
  readonly hint: string;

  constructor(
    readonly code: Code,
    message: string,
    hint: string,
    options?: ErrorOptions,
  ) {
    super(printable(message), options);
    this.hint = printable(hint);
  }
}

/** An error of the ground package itself: a file that cannot be written, memory that is not there, or a bad argument. */
export class BaseError extends GramError<
  'bad-option' | 'bad-values' | 'not-replaceable' | 'out-of-memory' | 'write-failed'
> {
  override readonly name = 'BaseError';
}
