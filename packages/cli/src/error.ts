/** What went wrong in a command; `code` is stable, `hint` says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly code:
      | 'usage'
      | 'exists'
      | 'unwritable'
      | 'no-checkpoint'
      | 'too-long'
      | 'interrupted'
      | 'no-text'
      | 'bad-file'
      | 'bad-label',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
