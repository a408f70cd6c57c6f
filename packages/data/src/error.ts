/** What went wrong with data; `code` is stable, `hint` says what to do. */
export class DataError extends Error {
  override readonly name = 'DataError';

  constructor(
    readonly code:
      | 'file-missing'
      | 'file-unreadable'
      | 'file-unwritable'
      | 'unknown-extension'
      | 'bad-json'
      | 'bad-record'
      | 'too-large'
      | 'unknown-format'
      | 'bad-option',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
