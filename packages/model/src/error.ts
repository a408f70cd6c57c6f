/** What went wrong with a model, its configuration or its files; `code` is stable, `hint` says what to do. */
export class ModelError extends Error {
  override readonly name = 'ModelError';

  constructor(
    readonly code:
      | 'bad-config'
      | 'bad-gguf'
      | 'bad-json'
      | 'bad-metadata'
      | 'bad-request'
      | 'bad-safetensors'
      | 'bad-tokenizer'
      | 'bad-weights'
      | 'file-missing'
      | 'not-finite'
      | 'not-replaceable'
      | 'read-failed'
      | 'too-large'
      | 'unsupported-dtype'
      | 'write-failed',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
