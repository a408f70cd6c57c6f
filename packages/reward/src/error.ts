/** What went wrong while scoring; `code` is stable, `hint` says what to do. */
export class RewardError extends Error {
  override readonly name = 'RewardError';

  constructor(
    readonly code:
      | 'bad-option'
      | 'bad-values'
      | 'model-mismatch'
      | 'no-judge-prompt'
      | 'no-pairs'
      | 'not-a-reward-model'
      | 'not-finite'
      | 'remote-failed'
      | 'too-few-responses'
      | 'too-long',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
