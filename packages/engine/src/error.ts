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
      | 'bad-graph'
      | 'runtime-missing'
      | 'runtime'
      | 'unknown-device'
      | 'device-unavailable'
      | 'out-of-memory'
      | 'cancelled'
      | 'fixed-shape'
      | 'bad-precision'
      | 'bad-file'
      | 'disposed',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
