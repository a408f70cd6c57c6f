/** What went wrong in RLHF; `code` is stable, `hint` says what to do. */
export class PpoError extends Error {
  override readonly name = 'PpoError';

  constructor(
    readonly code:
      | 'bad-checkpoint'
      | 'bad-option'
      | 'bad-reward'
      | 'diverged'
      | 'no-data'
      | 'output-in-use'
      | 'reward-failed',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
