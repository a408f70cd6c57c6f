import { GramError } from '@gram/base';

/** Code of a `TokenizeError`: the kind of problem with a tokenizer, a chat template or a text. */
export type TokenizeErrorCode =
  | 'tokenizer-missing'
  | 'tokenizer-too-large'
  | 'tokenizer-broken'
  | 'save-failed'
  | 'bad-bpe-options'
  | 'unknown-prompt'
  | 'bad-prompt'
  | 'unknown-layout'
  | 'special-token-missing'
  | 'label-not-single-token'
  | 'bad-message'
  | 'bad-text'
  | 'template-missing'
  | 'template-broken'
  | 'template-limit'
  | 'template-refused'
  | 'template-unsupported'
  | 'template-too-long'
  | 'not-rendered'
  | 'too-long';

/** An error of a tokenizer, a chat template or an encoder; `code` is stable, `hint` says what to do. */
export class TokenizeError extends GramError<TokenizeErrorCode> {
  override readonly name = 'TokenizeError';
}
