import type { Answer, Prompt, Tool } from '@gram/base';
import { quote } from '@gram/base';
import { type ChatLayout, plainChat } from '../chat/chat-layout.js';
import { isSpecialToken } from '../chat/template-layout.js';
import { TokenizeError } from '../error.js';
import type { Span, Tokenizer } from '../library.js';
import { finishedForm, promptForm, responseForm } from './conversation-form.js';
import type { Encoding, Filled } from './encode-form.js';
import { fillForms, type Overlong } from './fill.js';
import type { Form } from './form.js';

/** Options of `createChatEncoder`. */
export interface ChatEncoderOptions {
  readonly tokenizer: Tokenizer;
  readonly chat: ChatLayout;
  /** The maximum number of ids of a result. */
  readonly maxLength: number;
  /** Treatment of a longer record: `error` refuses it, `truncate` shortens the responses evenly and then the prompt. */
  readonly overlong: Overlong;
  /**
   * Way in which text becomes ids. A checkpoint needs the one that it was trained with, see `encodingOf`.
   *
   * @default 'apart' for {@link plainChat}, 'whole' for all other layouts
   */
  readonly encoding?: Encoding | undefined;
}

/** The ids of a conversation without padding, with the bos token where the layout has one. */
export interface Encoded {
  readonly ids: number[];
  /** Whether user text was cut to fit. */
  readonly truncated: boolean;
  /** Whether user text had markers of a judging prompt, which were escaped, or spelled control tokens, which it does not get. */
  readonly neutralized: boolean;
}

/** The ids of a conversation whose last turns are learned. */
export interface EncodedTurn extends Encoded {
  /** Index of the first id of the assistant's turn. A language-model loss supervises the ids from there to the end. */
  readonly lossFrom: number;
  /**
   * The turns of the assistant in a response of several turns, the only ids that a loss supervises then. A response of one turn
   * has none: `lossFrom` says all.
   */
  readonly lossSpans?: readonly Span[];
}

/** The ids of two responses, each after the prompt of both. */
export interface EncodedPair {
  readonly chosen: EncodedTurn;
  readonly rejected: EncodedTurn;
}

/** A prompt to encode. `id` names it in errors. */
export interface PromptToEncode {
  readonly id?: string | undefined;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
}

/** Responses to one prompt. The `id` of each names it in errors. */
export interface ResponsesToEncode extends Omit<PromptToEncode, 'id'> {
  readonly responses: readonly { readonly id?: string | undefined; readonly response: Answer }[];
}

/** Encodes conversations as a model reads and writes them. `id` names the record in errors. */
export interface ChatEncoder {
  /** Id of the token that fills the rows of a batch. */
  readonly padId: number;
  /** Id of the token that ends the assistant's turn. */
  readonly endId: number;
  /** Encodes a prompt up to and including the assistant's start, which a policy continues. */
  prompt(record: PromptToEncode): Promise<Encoded>;
  /**
   * Encodes a prompt and a response with its end token, which is left out after a response that was cut. Where nothing is cut,
   * `ids` starts with those of `prompt`, and `lossFrom` is their number.
   */
  response(record: PromptToEncode & { readonly response: Answer }): Promise<EncodedTurn>;
  /**
   * Encodes two responses to one prompt, each as `response` does. Where one of them does not fit, the prompt is cut alike in
   * front of both: a pair that is compared differs in its responses and in nothing else.
   */
  pair(record: PromptToEncode & { readonly chosen: Answer; readonly rejected: Answer }): Promise<EncodedPair>;
  /** Encodes any number of responses to one prompt, in order, and cuts the prompt alike in front of all, as `pair` does. */
  responses(record: ResponsesToEncode): Promise<EncodedTurn[]>;
  /**
   * Encodes finished conversations of one prompt with all that the template writes after each, such as ChatML's newline, and cuts
   * them as `responses` does. A model with a score head that was trained elsewhere reads its score at the last of these ids.
   */
  finished(record: ResponsesToEncode): Promise<Encoded[]>;
}

/**
 * Tells how a model was trained to read text.
 *
 * @param gram what `gram.json` says of the model; undefined for models that were trained elsewhere, which read text as a whole
 */
export function encodingOf(gram: { readonly encoding?: Encoding | undefined } | undefined): Encoding {
  return gram === undefined ? 'whole' : (gram.encoding ?? 'apart');
}

/**
 * Creates an encoder for a tokenizer and a chat layout.
 *
 * No text of a record yields a control token, however it is encoded. Conversations that are more than a question and an answer are
 * written by the model's chat template; see `ChatLayout.template` for layouts without one. Where the layout or the template says
 * so, texts are trimmed first. A prompt that is too long for `prompt` is refused or keeps its end, as `overlong` says. The
 * methods throw TokenizeError `too-long`, `template-too-long`, `bad-message` and what `ChatTemplate.outline` throws.
 *
 * @throws {TokenizeError} `special-token-missing`
 *
 * @example
 * ```ts
 * const encoder = await createChatEncoder({ tokenizer, chat: plainChat, maxLength: 256, overlong: 'truncate' });
 * const { ids, lossFrom } = await encoder.response({ prompt: 'What is 2 + 2?', response: '4' });
 * ```
 */
export async function createChatEncoder(options: ChatEncoderOptions): Promise<ChatEncoder> {
  const { chat, ...fixed } = { ...options, encoding: options.encoding ?? defaultEncoding(options.chat) };
  // A conversation has no judging prompt whose markers a text could imitate.
  const common = { ...fixed, neutralize: (text: string) => ({ text, neutralized: false }) };
  const { padId, endId } = await specialTokenIds(options.tokenizer, chat);
  async function filledAlike({ responses, ...record }: ResponsesToEncode, formOf: typeof responseForm) {
    const forms = await Promise.all(responses.map(({ response }) => formOf(chat, { ...record, response })));
    return fillForms<readonly Form[]>(forms, { ...common, id: responses.map(({ id }) => id) });
  }
  return {
    padId,
    endId,
    async prompt(record) {
      const [filled] = await fillForms([await promptForm(chat, record)], { ...common, id: record.id });
      return encodedOf(filled);
    },
    async response(record) {
      const [filled] = await fillForms([await responseForm(chat, record)], { ...common, id: record.id });
      return turnOf(filled);
    },
    async pair({ chosen, rejected, ...record }) {
      const forms = await Promise.all([
        responseForm(chat, { ...record, response: chosen }),
        responseForm(chat, { ...record, response: rejected }),
      ]);
      const [first, second] = await fillForms(forms, { ...common, id: record.id });
      return { chosen: turnOf(first), rejected: turnOf(second) };
    },
    responses: async (record) => (await filledAlike(record, responseForm)).map(turnOf),
    finished: async (record) => (await filledAlike(record, finishedForm)).map(encodedOf),
  };
}

/** The way in which models of a layout are trained to read text, unless their `gram.json` names another. */
export function defaultEncoding(chat: ChatLayout): Encoding {
  return chat.id === plainChat.id ? 'apart' : 'whole';
}

/** Leaves out where the turns stand. */
export function encodedOf({ ids, truncated, neutralized }: Filled): Encoded {
  return { ids, truncated, neutralized };
}

/** Tells where the turns that are learned stand. */
export function turnOf(filled: Filled): EncodedTurn {
  const { learned, ids } = filled;
  const lossFrom = learned[0]?.start ?? ids.length;
  return { ...encodedOf(filled), lossFrom, ...(learned.length > 1 && { lossSpans: learned }) };
}

/** Checks that the tokenizer has every special token of a layout, and returns the ids of two. */
async function specialTokenIds(tokenizer: Tokenizer, chat: ChatLayout) {
  for (const token of chat.specialTokens) await specialTokenId(tokenizer, token, chat);
  return {
    padId: await specialTokenId(tokenizer, chat.pad, chat),
    endId: await specialTokenId(tokenizer, chat.end, chat),
  };
}

async function specialTokenId(tokenizer: Tokenizer, token: string, chat: ChatLayout): Promise<number> {
  const id = tokenizer.tokenId(token);
  if (id !== undefined && (await isSpecialToken(tokenizer, token))) return id;
  throw new TokenizeError(
    'special-token-missing',
    `the tokenizer has no special token ${quote(token)}, which the chat layout ${chat.id} needs`,
    'use the layout that belongs to the tokenizer, or train a tokenizer with these special tokens',
  );
}
