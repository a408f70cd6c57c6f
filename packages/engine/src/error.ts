/** What went wrong inside the engine; `code` is stable, `hint` says what to do. */
export class EngineError extends Error {
  override readonly name = 'EngineError';

  constructor(
    readonly code:
      | 'unmapped-kernel'
      | 'traced-value-read'
      | 'bad-array'
      | 'bad-tree'
      | 'bad-state'
      | 'runtime-missing'
      | 'runtime'
      | 'unknown-device'
      | 'disposed',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
