import type { Trims } from '../prompts/trim.js';
import type { ChatTemplate } from './chat-template.js';

/**
 * The way in which a model marks turns, as data. A conversation is
 *
 *     bos  userStart ... userEnd  assistantStart ... end
 */
export interface ChatLayout {
  /** Names this exact layout. */
  readonly id: string;
  /** The token at the start; empty where the model has none. */
  readonly bos: string;
  readonly userStart: string;
  readonly userEnd: string;
  readonly assistantStart: string;
  /** The token that ends the assistant's turn. */
  readonly end: string;
  /** The token that fills the rows of a batch. */
  readonly pad: string;
  /** All special tokens of the layout, with `pad` and `end`. The tokenizer must know each. */
  readonly specialTokens: readonly string[];
  /** Characters that are trimmed from the text of each turn, as some chat templates do. @default none */
  readonly trims?: { readonly user: Trims; readonly assistant: Trims };
  /** The text after `end` where a conversation is over, for example ChatML's newline. A scorer reads it as well. @default none */
  readonly afterEnd?: string;
  /**
   * Writes conversations that are more than one question and one answer. Without it they may have turns of the user and of the
   * assistant, and a system turn at the start, which is written before the first question with a blank line after it.
   */
  readonly template?: ChatTemplate;
}

/**
 * The layout of models that are trained from scratch. It has four special tokens; padding has id 0 with {@link trainBpe}.
 * The user's turn needs no end of its own, as the assistant's start follows at once.
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
