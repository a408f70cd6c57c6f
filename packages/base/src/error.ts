/**
 * An error of a gram package.
 *
 * `code` never changes and is meant for programs, `message` says what was wrong in one sentence without a full stop, and
 * `hint` says what to do in the same style. Each package has one subclass, which names its codes.
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
