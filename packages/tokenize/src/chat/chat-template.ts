import type { Tool, Turn } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { Segment } from '../library.js';
import { trimText } from '../prompts/trim.js';
import { type ConversationText, shapeOfConversation } from './conversation-texts.js';
import { createOutliner, type OutlineTask } from './outliner.js';
import { jsonInner, type Outline, type Slot } from './placeholders.js';
import type { TemplateValue } from './rendering/jinja.js';
import { standInShape } from './stand-ins.js';

/** Options of `ChatTemplate.render`. */
export interface RenderOptions {
  /** Whether the start of the assistant's turn follows, for a model to continue. @default false */
  readonly addGenerationPrompt?: boolean;
  /** Descriptions of the tools that the assistant may call. @default none */
  readonly tools?: readonly Tool[] | undefined;
  /** More variables than those of the template, which they replace where both have one. They are trusted. @default none */
  readonly variables?: Readonly<Record<string, TemplateValue>>;
}

/** An outline with the texts that belong into its slots. */
export interface ConversationOutline extends Outline {
  readonly texts: readonly ConversationText[];
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
  /** The options that it was created with, plain data: another thread creates the same template of them. */
  readonly options: ChatTemplateOptions;
  readonly specialTokens: Readonly<Record<string, string>>;
  /**
   * Renders a conversation in parts. Joined, they are the text that transformers' `apply_chat_template` returns.
   *
   * @throws {TokenizeError} `bad-message`; `template-refused` if the template does not accept these roles;
   *   `template-unsupported` if it does more to a text than trim it, or leaves out a text, a tool or a call; `template-broken`,
   *   `template-limit`
   */
  render(messages: readonly Turn[], options?: RenderOptions): Promise<readonly Segment[]>;
  /** Renders all but the texts: `render` inserts them. Throws as `render` does. */
  outline(messages: readonly Turn[], options?: RenderOptions): Promise<ConversationOutline>;
}

const DEFAULT_NOW = new Date('2024-07-26T00:00:00Z');

/** Number of outlines that are kept. The conversations of a data set have few different sequences of roles. */
const CACHE_SIZE = 256;

/**
 * Creates a chat template. It never sees a text: placeholders stand for texts while it is rendered, for reasoning and for the
 * strings of tools and of their calls too. So no text can change what it does, and conversations that differ in their texts only
 * are rendered once. A template that looks into texts, as Qwen3's looks for `</think>` in earlier answers, finds nothing there.
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
  const make = createOutliner({ template, now });
  const cache = new Map<string, Promise<Outline>>();

  async function outlineOf(task: OutlineTask): Promise<Outline> {
    const key = JSON.stringify([
      task.shape.key,
      standInShape(task.shape.texts),
      task.addGenerationPrompt,
      task.variables,
    ]);
    const known = cache.get(key);
    if (known) return known;
    const made = make(task);
    // A limit may have been reached only because the machine was busy, so the next call tries again.
    made.catch(() => cache.delete(key));
    const [oldest] = cache.keys();
    if (cache.size >= CACHE_SIZE && oldest !== undefined) cache.delete(oldest);
    cache.set(key, made);
    return made;
  }

  async function outline(
    messages: readonly Turn[],
    { addGenerationPrompt = false, tools, variables: more }: RenderOptions = {},
  ): Promise<ConversationOutline> {
    const shape = shapeOfConversation(messages, tools);
    const task = { addGenerationPrompt, variables: { ...specialTokens, ...variables, ...more } };
    try {
      return { ...(await outlineOf({ ...task, shape })), texts: shape.texts };
    } catch (error) {
      const filled = messages.map((message) => ({ ...message, content: message.content ?? '' }));
      const isBroken = error instanceof TokenizeError && error.code === 'template-broken';
      if (!isBroken || messages.every(({ content }) => content !== null)) throw error;
      // A template that looks into contents cannot take null beside calls of tools, which says the same as an empty text.
      const other = shapeOfConversation(filled, tools);
      return { ...(await outlineOf({ ...task, shape: other })), texts: other.texts };
    }
  }

  return {
    options,
    specialTokens,
    outline,
    async render(messages, renderOptions) {
      const { pieces, slots, texts } = await outline(messages, renderOptions);
      const segments: Segment[] = [];
      for (const [index, piece] of pieces.entries()) {
        segments.push({ text: piece, trusted: true });
        const slot = slots[index];
        const text = slot && texts[slot.text];
        if (text) segments.push({ text: writtenText(text.value, slot), trusted: false });
      }
      return segments.filter(({ text }) => text !== '');
    },
  };
}

/** A text as the template writes it. */
export function writtenText(text: string, { trims, isJson }: Pick<Slot, 'trims' | 'isJson'>): string {
  return isJson ? jsonInner(text) : trimText(text, trims);
}
