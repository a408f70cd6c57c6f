import type { Tokenizer } from '../library.js';
import type { ChatMessage, ChatTemplate, RenderOptions, Segment } from './chat-template.js';

/**
 * Encodes a rendered conversation. Special tokens are parsed in the template's text and nowhere else.
 *
 * Parts are encoded apart, so no token crosses the boundary of a message's text. The ids of the whole text encoded at once
 * differ at such a boundary if the tokenizer merges across it, as where a text starts with a newline after a newline of
 * the template. Everywhere else they are the same.
 */
export async function encodeSegments(tokenizer: Tokenizer, segments: readonly Segment[]): Promise<number[]> {
  const ids = await Promise.all(
    segments.map(({ text, trusted }) => (trusted ? tokenizer.encodeTemplate(text) : tokenizer.encode(text))),
  );
  return ids.flat();
}

/**
 * Encodes a conversation, by default up to the start of the assistant's next turn, which a model continues. Nothing is
 * added that the template does not write, so there is at most one bos token.
 *
 * @throws {TokenizeError} what `template.render` throws
 *
 * @example
 * ```ts
 * const ids = await encodeChat(tokenizer, template, [{ role: 'user', content: 'Hello!' }]);
 * ```
 */
export async function encodeChat(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  { addGenerationPrompt = true }: RenderOptions = {},
): Promise<number[]> {
  return encodeSegments(tokenizer, await template.render(messages, { addGenerationPrompt }));
}
