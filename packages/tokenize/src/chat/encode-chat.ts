import type { Turn } from '@gram/base';
import type { Tokenizer } from '../library.js';
import type { ChatTemplate, RenderOptions } from './chat-template.js';

/**
 * Encodes a conversation as transformers does, by default up to the start of the assistant's next turn, which a model continues:
 * the whole text at once, so that tokens cross the boundaries of texts, but that no text yields a control token. Nothing is
 * added that the template does not write, so there is at most one bos token.
 *
 * @throws {TokenizeError} what `template.render` and `tokenizer.encodeSegments` throw
 *
 * @example
 * ```ts
 * const ids = await encodeChat(tokenizer, template, [{ role: 'user', content: 'Hello!' }]);
 * ```
 */
export async function encodeChat(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly Turn[],
  { addGenerationPrompt = true, ...options }: RenderOptions = {},
): Promise<number[]> {
  return tokenizer.encodeSegments(await template.render(messages, { addGenerationPrompt, ...options }));
}
