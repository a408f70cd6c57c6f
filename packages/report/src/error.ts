/** What went wrong while a report was made; `code` is stable, `hint` says what to do. */
export class ReportError extends Error {
  override readonly name = 'ReportError';

  constructor(
    readonly code: 'bad-progress' | 'bad-table' | 'bad-chart' | 'bad-metric' | 'write-failed',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
