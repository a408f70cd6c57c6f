import { type Answer, conversationText, type Prompt, quote, type Tool } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { Tokenizer } from '../library.js';
import type { ChatLayout } from '../prompts/chat-layout.js';
import { noTrims, trimText } from '../prompts/trim.js';
import {
  type Filled,
  fillAlternatives,
  fillTemplate,
  type Overlong,
  promptTemplate,
  responseTemplate,
  type Template,
} from './template.js';

/** Options of `createChatEncoder`. */
export interface ChatEncoderOptions {
  readonly tokenizer: Tokenizer;
  readonly chat: ChatLayout;
  /** The maximum number of ids of a result. */
  readonly maxLength: number;
  /** Treatment of a longer record: `error` refuses it, `truncate` shortens the responses evenly and then the prompt. */
  readonly overlong: Overlong;
}

/** The ids of a conversation without padding, with the bos token where the layout has one. */
export interface Encoded {
  readonly ids: number[];
  /** Whether user text was cut to fit. */
  readonly truncated: boolean;
  /** Whether markers in user text were escaped; plain conversations have no markers. */
  readonly neutralized: boolean;
}

/** The ids of a conversation whose last turn is learned. */
export interface EncodedTurn extends Encoded {
  /** Index of the first id of the assistant's turn. A language-model loss supervises the ids from there to the end. */
  readonly lossFrom: number;
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

/** Encodes plain conversations of one user turn and one assistant turn. `id` names the record in errors. */
export interface ChatEncoder {
  /** Id of the token that fills the rows of a batch. */
  readonly padId: number;
  /** Id of the token that ends the assistant's turn. */
  readonly endId: number;
  /** Encodes the user's turn up to and including the assistant's start, which a policy continues. */
  prompt(record: PromptToEncode): Promise<Encoded>;
  /**
   * Encodes both turns and the end token, which is left out after a response that was cut. Where nothing is cut, `ids` starts
   * with those of `prompt`, and `lossFrom` is their number. A discriminative model reads its score at the last id.
   */
  response(record: PromptToEncode & { readonly response: Answer }): Promise<EncodedTurn>;
  /**
   * Encodes two responses to one prompt, each as `response` does. Where one of them does not fit, the prompt is cut alike in
   * front of both: a pair that is compared differs in its responses and in nothing else.
   */
  pair(record: PromptToEncode & { readonly chosen: Answer; readonly rejected: Answer }): Promise<EncodedPair>;
}

/**
 * Creates an encoder for a tokenizer and a chat layout; the ids of the template are computed here, once.
 *
 * User text and template text are encoded apart, so neither merges with the other, and user text cannot hold a special
 * token. Where the layout says so, texts are trimmed first. A prompt that is too long for `prompt` is refused or keeps its
 * end, as `overlong` says. The methods throw TokenizeError `too-long` and `template-too-long`.
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
  const { tokenizer, chat, maxLength, overlong } = options;
  const [opening, conversation, { padId, endId }] = await Promise.all([
    promptTemplate(tokenizer, chat),
    responseTemplate(tokenizer, chat),
    specialTokenIds(tokenizer, chat),
  ]);

  const encodeText = (template: Template, text: Prompt | Answer, index: number) =>
    tokenizer.encode(trimText(conversationText(text), template.trims[index] ?? noTrims));

  async function fill(template: Template, id: string | undefined, prompt: Prompt, ...responses: Answer[]) {
    const [promptIds = [], ...responseIds] = await Promise.all(
      [prompt, ...responses].map((text, index) => encodeText(template, text, index)),
    );
    return fillTemplate(template, promptIds, responseIds, { maxLength, overlong, id });
  }

  return {
    padId,
    endId,
    async prompt({ id, prompt }) {
      const { ids, truncated } = await fill(opening, id, prompt);
      return { ids, truncated, neutralized: false };
    },
    async response({ id, prompt, response }) {
      return turnOf(await fill(conversation, id, prompt, response));
    },
    async pair({ id, prompt, chosen, rejected }) {
      const [promptIds, chosenIds, rejectedIds] = await Promise.all([
        encodeText(conversation, prompt, 0),
        encodeText(conversation, chosen, 1),
        encodeText(conversation, rejected, 1),
      ]);
      const options = { maxLength, overlong, id };
      const filled = fillAlternatives(conversation, promptIds, [chosenIds, rejectedIds], options);
      return { chosen: turnOf(filled[0]), rejected: turnOf(filled[1]) };
    },
  };
}

/** A plain conversation has no judging prompt whose markers a text could imitate. */
function turnOf({ ids, truncated, boundary }: Filled): EncodedTurn {
  return { ids, truncated, neutralized: false, lossFrom: boundary };
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
  const [parsed, plain] = await Promise.all([tokenizer.encodeTemplate(token), tokenizer.encode(token)]);
  if (id !== undefined && parsed.length === 1 && parsed[0] === id && !plain.includes(id)) return id;
  throw new TokenizeError(
    'special-token-missing',
    `the tokenizer has no special token ${quote(token)}, which the chat layout ${chat.id} needs`,
    'use the layout that belongs to the tokenizer, or train a tokenizer with these special tokens',
  );
}
