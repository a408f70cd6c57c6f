import type { Tokenizer } from '../library.js';
import type { ChatMessage, ChatTemplate, RenderOptions, Segment } from './chat-template.js';

/**
 * Ids of a rendered conversation. Special tokens are parsed in the template's text and nowhere else.
 *
 * Parts are encoded apart, so no token reaches over the border of a message's text. The ids of the whole text encoded
 * at once differ at such a border if the tokenizer would merge across it, as with a text that starts with a newline
 * after a template's newline. Everywhere else they are the same.
 */
export async function encodeSegments(tokenizer: Tokenizer, segments: readonly Segment[]): Promise<number[]> {
  const ids = await Promise.all(
    segments.map(({ text, trusted }) => (trusted ? tokenizer.encodeTemplate(text) : tokenizer.encode(text))),
  );
  return ids.flat();
}

/**
 * Ids of a conversation, by default up to the start of the assistant's next turn: what a model goes on from. Nothing
 * is added that the template does not write, so there is one bos token at most.
 *
 * @throws TokenizeError what `template.render` throws
 */
export async function encodeChat(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  { addGenerationPrompt = true }: RenderOptions = {},
): Promise<number[]> {
  return encodeSegments(tokenizer, await template.render(messages, { addGenerationPrompt }));
}
