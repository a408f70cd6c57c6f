import { TokenizeError } from '../error.js';
import { trimText } from '../prompts/trim.js';
import type { TemplateValue } from './jinja.js';
import { createOutliner } from './outliner.js';
import type { Outline } from './placeholders.js';

/** A message of a conversation. */
export interface ChatMessage {
  /** For example `system`, `user` or `assistant`: letters, digits, `_` and `-`. */
  readonly role: string;
  readonly content: string;
}

/** A part of a rendered conversation. */
export interface Segment {
  readonly text: string;
  /** Whether the template wrote it. Everything else is the text of a message and must not yield special tokens. */
  readonly trusted: boolean;
}

/** Options of `ChatTemplate.render`. */
export interface RenderOptions {
  /** Whether the start of the assistant's turn follows, for a model to continue. @default false */
  readonly addGenerationPrompt?: boolean;
}

/** Options of `createChatTemplate`. */
export interface ChatTemplateOptions {
  /** The Jinja source. */
  readonly template: string;
  /** Special tokens by the names that templates use: `bos_token`, `eos_token`, `pad_token` ... @default none */
  readonly specialTokens?: Readonly<Record<string, string>>;
  /** More variables, such as `{ enable_thinking: false }` for Qwen3. They are trusted. @default none */
  readonly variables?: Readonly<Record<string, TemplateValue>>;
  /**
   * The time that `strftime_now` returns. It is fixed, as some templates write the date into the system turn, and scores of
   * a reward model must not change from one day to the next.
   *
   * @default 26 July 2024
   */
  readonly now?: Date;
}

/** The chat template of a model. */
export interface ChatTemplate {
  readonly specialTokens: Readonly<Record<string, string>>;
  /**
   * Renders a conversation in parts. Joined, they are the text that transformers' `apply_chat_template` returns.
   *
   * @throws {TokenizeError} `bad-message`; `template-refused` if the template does not accept these roles;
   *   `template-unsupported` if it does more to a text than trim it; `template-broken`, `template-limit`
   */
  render(messages: readonly ChatMessage[], options?: RenderOptions): Promise<readonly Segment[]>;
  /** Renders all but the texts: `render` inserts them. Throws as `render` does. */
  outline(messages: readonly ChatMessage[], options?: RenderOptions): Promise<Outline>;
}

const DEFAULT_NOW = new Date('2024-07-26T00:00:00Z');

/** Number of outlines that are kept. The conversations of a data set have few different sequences of roles. */
const CACHE_SIZE = 256;

/**
 * Creates a chat template. It never sees a text: placeholders stand for texts while it is rendered. So no text can change
 * what it does, and conversations with the same roles are rendered once. A template that looks into texts, as Qwen3's
 * looks for `</think>` in earlier answers, finds nothing there.
 *
 * Rendering starts a process with limits. Conversations that are requested at the same time share one, so do not wait for
 * each before you request the next.
 *
 * @example
 * ```ts
 * const template = createChatTemplate(await readChatTemplate('path/to/model'));
 * const segments = await template.render([{ role: 'user', content: 'Hello!' }], { addGenerationPrompt: true });
 * ```
 */
export function createChatTemplate(options: ChatTemplateOptions): ChatTemplate {
  const { template, specialTokens = {}, variables = {}, now = DEFAULT_NOW } = options;
  const make = createOutliner({ template, variables: { ...specialTokens, ...variables }, now });
  const cache = new Map<string, Promise<Outline>>();

  async function outline(
    messages: readonly ChatMessage[],
    { addGenerationPrompt = false }: RenderOptions = {},
  ): Promise<Outline> {
    messages.forEach(checkMessage);
    const roles = messages.map(({ role }) => role);
    const empty = messages.map(({ content }) => content === '');
    const key = JSON.stringify([roles, empty.map(Number), addGenerationPrompt]);
    const known = cache.get(key);
    if (known) return known;
    const made = make({ roles, empty, addGenerationPrompt });
    // A limit may have been reached only because the machine was busy, so the next call tries again.
    made.catch(() => cache.delete(key));
    const [oldest] = cache.keys();
    if (cache.size >= CACHE_SIZE && oldest !== undefined) cache.delete(oldest);
    cache.set(key, made);
    return made;
  }

  return {
    specialTokens,
    outline,
    async render(messages, renderOptions) {
      const { pieces, slots } = await outline(messages, renderOptions);
      const segments: Segment[] = [];
      for (const [index, piece] of pieces.entries()) {
        segments.push({ text: piece, trusted: true });
        const slot = slots[index];
        if (!slot) continue;
        const content = messages[slot.message]?.content ?? '';
        segments.push({ text: trimText(content, slot.trims), trusted: false });
      }
      return segments.filter(({ text }) => text !== '');
    },
  };
}

/** Templates write roles beside special tokens, as their own text, so a role must not be able to spell one. */
function checkMessage({ role, content }: ChatMessage, index: number): void {
  const problem =
    typeof role !== 'string' || !/^[\w-]{1,64}$/.test(role)
      ? 'a role that is not a word'
      : typeof content !== 'string'
        ? 'no text as its content'
        : undefined;
  if (problem === undefined) return;
  throw new TokenizeError(
    'bad-message',
    `message ${index + 1} has ${problem}`,
    'give { role, content }: a role such as "user", and a string',
  );
}
