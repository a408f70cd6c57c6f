import type { Trims } from './trim.js';

/**
 * How a model marks turns, as data. A conversation is
 *
 *     bos  userStart ... userEnd  assistantStart ... end
 */
export interface ChatLayout {
  /** Names this exact layout. */
  readonly id: string;
  /** Empty where the model wants none. */
  readonly bos: string;
  readonly userStart: string;
  readonly userEnd: string;
  readonly assistantStart: string;
  /** One token: ends the assistant's turn. */
  readonly end: string;
  /** One token: fills up rows of a batch. */
  readonly pad: string;
  /** All special tokens used above, `pad` and `end` included. The tokenizer must know each. */
  readonly specialTokens: readonly string[];
  /** What is trimmed from the text of each turn, as some chat templates do. Default nothing. */
  readonly trims?: { readonly user: Trims; readonly assistant: Trims };
}

/**
 * For models trained from scratch: four special tokens, padding has id 0 with {@link trainBpe}. The user's turn
 * needs no end of its own, as the assistant's start follows at once.
 */
export const plainChat: ChatLayout = {
  id: 'gram-plain-1',
  bos: '',
  userStart: '<|user|>',
  userEnd: '',
  assistantStart: '<|assistant|>',
  end: '<|end|>',
  pad: '<|pad|>',
  specialTokens: ['<|pad|>', '<|end|>', '<|user|>', '<|assistant|>'],
};
