/** What went wrong while reading a tokenizer or encoding text; `code` is stable, `hint` says what to do. */
export class TokenizeError extends Error {
  override readonly name = 'TokenizeError';

  constructor(
    readonly code:
      | 'tokenizer-missing'
      | 'tokenizer-too-large'
      | 'tokenizer-broken'
      | 'save-failed'
      | 'bad-bpe-options'
      | 'unknown-prompt'
      | 'unknown-layout'
      | 'special-token-missing'
      | 'label-not-single-token'
      | 'bad-message'
      | 'template-missing'
      | 'template-broken'
      | 'template-limit'
      | 'template-refused'
      | 'template-unsupported'
      | 'template-too-long'
      | 'too-long',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
