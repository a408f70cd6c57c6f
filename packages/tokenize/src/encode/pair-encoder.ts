import { TokenizeError } from '../error.js';
import type { Tokenizer } from '../library.js';
import type { ChatLayout } from '../prompts/chat-layout.js';
import type { JudgePrompt } from '../prompts/judge-prompt.js';
import { neutraliseMarkers } from './markers.js';
import {
  comparisonTemplate,
  fillTemplate,
  type Overlong,
  responsePairTemplate,
  responseTemplate,
  type Template,
} from './template.js';

export interface PairEncoderOptions {
  readonly tokenizer: Tokenizer;
  readonly prompt: JudgePrompt;
  readonly chat: ChatLayout;
  /** The most ids a result may have. */
  readonly maxLength: number;
  /** `error` refuses longer records, `truncate` shortens responses fairly, then the prompt. */
  readonly overlong: Overlong;
  /** Leave markers in user text as they are, for parity with other implementations. Default false. */
  readonly raw?: boolean;
}

/** Ids of one conversation, bos included where the layout has one, without padding. */
export interface Encoded {
  readonly ids: number[];
  /** Whether user text was cut to fit. */
  readonly truncated: boolean;
  /** Whether markers in user text were escaped. */
  readonly neutralised: boolean;
}

export interface EncodedComparison extends Encoded {
  /** How many ids come before the first answer's text. They are the same for both orders of the answers. */
  readonly prefixLength: number;
}

export interface EncodedTurn extends Encoded {
  /** Index of the assistant turn's first id: what a language-model loss supervises, to the end of `ids`. */
  readonly lossFrom: number;
}

/** Turns prompts and responses into ids. `id` names the record in errors. */
export interface PairEncoder {
  /** Ids of the two labels: of the first and of the second response being better. */
  readonly labelIds: readonly [number, number];
  readonly padId: number;
  readonly endId: number;
  /** The judging prompt up to the assistant's start; the next token is the label. */
  comparison(record: { id?: string; prompt: string; a: string; b: string }): Promise<EncodedComparison>;
  /** Stage 1: the question in the user's turn, both responses and the end token in the assistant's. */
  responsePair(record: {
    id?: string;
    prompt: string;
    responses: readonly [string, string];
  }): Promise<EncodedTurn>;
  /** For a discriminative model: a plain conversation; the score is read at the last id. */
  response(record: { id?: string; prompt: string; response: string }): Promise<EncodedTurn>;
}

/**
 * Prepares an encoder for one tokenizer, judging prompt and chat layout; template ids are computed here, once.
 *
 * User text and template text are encoded apart, so neither merges with the other nor can user text hold a special
 * token. Markers of the judging prompt inside user text are escaped, see {@link neutraliseMarkers}. This suits
 * byte-level tokenizers; one that puts a space before every text would put it before every piece.
 *
 * Its methods throw TokenizeError `too-long` and `template-too-long`.
 *
 * @throws TokenizeError `label-not-single-token`, `special-token-missing`
 */
export async function createPairEncoder(options: PairEncoderOptions): Promise<PairEncoder> {
  const { tokenizer, prompt: judge, chat, maxLength, overlong, raw = false } = options;
  const [labelIds, comparison, responsePair, response] = await Promise.all([
    findLabelIds(tokenizer, judge),
    comparisonTemplate(tokenizer, judge, chat),
    responsePairTemplate(tokenizer, judge, chat),
    responseTemplate(tokenizer, chat),
    checkSpecialTokens(tokenizer, chat),
  ]);

  async function fill(
    template: Template,
    texts: { id?: string; prompt: string; responses: readonly string[] },
    neutralise: boolean,
  ) {
    const parts = [texts.prompt, ...texts.responses].map((text) =>
      neutralise ? neutraliseMarkers(judge, text) : { text, neutralised: false },
    );
    const [promptIds = [], ...responseIds] = await Promise.all(
      parts.map(({ text }) => tokenizer.encode(text)),
    );
    return {
      ...fillTemplate(template, promptIds, responseIds, { maxLength, overlong, id: texts.id }),
      neutralised: parts.some((part) => part.neutralised),
    };
  }

  return {
    labelIds,
    padId: tokenizer.tokenId(chat.pad)!,
    endId: tokenizer.tokenId(chat.end)!,
    async comparison({ id, prompt, a, b }) {
      const { boundary, ...rest } = await fill(comparison, { id, prompt, responses: [a, b] }, !raw);
      return { ...rest, prefixLength: boundary };
    },
    async responsePair({ id, prompt, responses }) {
      const { boundary, ...rest } = await fill(responsePair, { id, prompt, responses }, !raw);
      return { ...rest, lossFrom: boundary };
    },
    async response({ id, prompt, response: text }) {
      // No marker of the judging prompt stands here, so there is none to imitate.
      const { boundary, ...rest } = await fill(response, { id, prompt, responses: [text] }, false);
      return { ...rest, lossFrom: boundary };
    },
  };
}

async function findLabelIds(tokenizer: Tokenizer, judge: JudgePrompt): Promise<[number, number]> {
  const find = async (label: string) => {
    const ids = await tokenizer.encode(label);
    if (ids.length === 1) return ids[0]!;
    const names = ids.map((id) => `${id} ${JSON.stringify(tokenizer.tokenName(id) ?? '')}`);
    throw new TokenizeError(
      'label-not-single-token',
      `the label ${JSON.stringify(label)} is ${ids.length} tokens: ${names.join(', ') || 'none'}`,
      'A verdict is read from one token. Use a tokenizer in which each label is one, or other labels.',
    );
  };
  return Promise.all([find(judge.labels[0]), find(judge.labels[1])]);
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
