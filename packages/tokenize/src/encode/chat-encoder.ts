import { TokenizeError } from '../error.js';
import type { Tokenizer } from '../library.js';
import type { ChatLayout } from '../prompts/chat-layout.js';
import { noTrims, trimText } from '../prompts/trim.js';
import { fillTemplate, type Overlong, promptTemplate, responseTemplate, type Template } from './template.js';

export interface ChatEncoderOptions {
  readonly tokenizer: Tokenizer;
  readonly chat: ChatLayout;
  /** The most ids a result may have. */
  readonly maxLength: number;
  /** `error` refuses longer records, `truncate` shortens responses fairly, then the prompt. */
  readonly overlong: Overlong;
}

/** Ids of one conversation, bos included where the layout has one, without padding. */
export interface Encoded {
  readonly ids: number[];
  /** Whether user text was cut to fit. */
  readonly truncated: boolean;
  /** Whether markers in user text were escaped; a plain conversation has none. */
  readonly neutralised: boolean;
}

export interface EncodedTurn extends Encoded {
  /** Index of the assistant turn's first id: what a language-model loss supervises, to the end of `ids`. */
  readonly lossFrom: number;
}

/** Turns plain conversations of one user turn and one assistant turn into ids. `id` names the record in errors. */
export interface ChatEncoder {
  readonly padId: number;
  /** Ends the assistant's turn. */
  readonly endId: number;
  /** The user's turn up to and including the assistant's start: what a policy goes on from. */
  prompt(record: { id?: string; prompt: string }): Promise<Encoded>;
  /**
   * Both turns and the end token. Where nothing is cut, `ids` starts with those of `prompt`, and `lossFrom` is their
   * number. A discriminative model reads its score at the last id.
   */
  response(record: { id?: string; prompt: string; response: string }): Promise<EncodedTurn>;
}

/**
 * Prepares an encoder for one tokenizer and chat layout; template ids are computed here, once.
 *
 * User text and template text are encoded apart, so neither merges with the other nor can user text hold a special
 * token. Where the layout says so, texts are trimmed first. A prompt that is too long for `prompt` is refused or keeps its end, as `overlong` says.
 *
 * Its methods throw TokenizeError `too-long` and `template-too-long`.
 *
 * @throws TokenizeError `special-token-missing`
 */
export async function createChatEncoder(options: ChatEncoderOptions): Promise<ChatEncoder> {
  const { tokenizer, chat, maxLength, overlong } = options;
  const [opening, conversation] = await Promise.all([
    promptTemplate(tokenizer, chat),
    responseTemplate(tokenizer, chat),
    checkSpecialTokens(tokenizer, chat),
  ]);

  async function fill(template: Template, id: string | undefined, prompt: string, ...responses: string[]) {
    const [promptIds = [], ...responseIds] = await Promise.all(
      [prompt, ...responses].map((text, index) =>
        tokenizer.encode(trimText(text, template.trims[index] ?? noTrims)),
      ),
    );
    const filled = fillTemplate(template, promptIds, responseIds, { maxLength, overlong, id });
    // No marker of a judging prompt stands here, so there is none to imitate.
    return { ...filled, neutralised: false };
  }

  return {
    padId: tokenizer.tokenId(chat.pad)!,
    endId: tokenizer.tokenId(chat.end)!,
    async prompt({ id, prompt }) {
      const { boundary: _, ...rest } = await fill(opening, id, prompt);
      return rest;
    },
    async response({ id, prompt, response }) {
      const { boundary, ...rest } = await fill(conversation, id, prompt, response);
      return { ...rest, lossFrom: boundary };
    },
  };
}

async function checkSpecialTokens(tokenizer: Tokenizer, chat: ChatLayout): Promise<void> {
  for (const token of new Set([...chat.specialTokens, chat.pad, chat.end])) {
    const id = tokenizer.tokenId(token);
    const [parsed, plain] = await Promise.all([tokenizer.encodeTemplate(token), tokenizer.encode(token)]);
    if (id !== undefined && parsed.length === 1 && parsed[0] === id && !plain.includes(id)) continue;
    throw new TokenizeError(
      'special-token-missing',
      `the tokenizer has no special token ${JSON.stringify(token)}, which the chat layout ${chat.id} needs`,
      'Use the layout that belongs to the tokenizer, or train a tokenizer with these special tokens.',
    );
  }
}
