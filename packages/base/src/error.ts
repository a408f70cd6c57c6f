/**
 * An error of a gram package.
 *
 * `code` never changes and is meant for programs, `message` says what was wrong in one sentence without a full stop, and
 * `hint` says what to do in the same style. Each package has one subclass, which names its codes.
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

  constructor(
    readonly code: Code,
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An error of the ground package itself: a file that cannot be written, or a bad argument. */
export class BaseError extends GramError<'bad-option' | 'bad-values' | 'not-replaceable' | 'write-failed'> {
  override readonly name = 'BaseError';
}
