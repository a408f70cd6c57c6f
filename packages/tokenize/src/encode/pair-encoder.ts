import { type Answer, conversationText, quote } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { Tokenizer } from '../library.js';
import type { JudgePrompt } from '../prompts/judge-prompt.js';
import { noTrims, trimText } from '../prompts/trim.js';
import {
  type ChatEncoder,
  type ChatEncoderOptions,
  createChatEncoder,
  type Encoded,
  type EncodedTurn,
  type PromptToEncode,
} from './chat-encoder.js';
import { neutralizeMarkers } from './markers.js';
import { comparisonTemplate, fillTemplate, responsePairTemplate, type Template } from './template.js';

/** Options of `createPairEncoder`. */
export interface PairEncoderOptions extends ChatEncoderOptions {
  /** The judging prompt. */
  readonly prompt: JudgePrompt;
  /** Whether markers in user text stay as they are, for parity with other implementations. @default false */
  readonly raw?: boolean;
}

/** The ids of a judging prompt with two answers. */
export interface EncodedComparison extends Encoded {
  /** Number of ids before the first answer's text. They are the same for both orders of the answers. */
  readonly prefixLength: number;
}

/** Encodes prompts with pairs of responses, and plain conversations as well. `id` names the record in errors. */
export interface PairEncoder extends ChatEncoder {
  /** Ids of the labels that say that the first or the second response is better. */
  readonly labelIds: readonly [number, number];
  /** Encodes the judging prompt up to the assistant's start; the next token is the label. */
  comparison(record: PromptToEncode & { readonly a: Answer; readonly b: Answer }): Promise<EncodedComparison>;
  /** Encodes the question as the user's turn, and both responses with the end token as the assistant's, for stage 1. */
  responsePair(
    record: PromptToEncode & { readonly responses: readonly [Answer, Answer] },
  ): Promise<EncodedTurn>;
}

/**
 * Creates an encoder for a tokenizer, a judging prompt and a chat layout; the ids of the templates are computed here, once.
 *
 * User text and template text are encoded apart, so neither merges with the other, and user text cannot hold a special
 * token. Markers of the judging prompt inside user text are escaped, see {@link neutralizeMarkers}. This suits byte-level
 * tokenizers; one that puts a space before every text puts it before every piece. The methods throw TokenizeError
 * `too-long` and `template-too-long`.
 *
 * @throws {TokenizeError} `label-not-single-token`, `special-token-missing`
 *
 * @example
 * ```ts
 * const prompt = judgePrompt('gram-compact-1');
 * const encoder = await createPairEncoder({ tokenizer, prompt, chat: plainChat, maxLength: 256, overlong: 'error' });
 * const { ids } = await encoder.comparison({ prompt: 'What is 2 + 3?', a: '5', b: '6' });
 * ```
 */
export async function createPairEncoder(options: PairEncoderOptions): Promise<PairEncoder> {
  const { tokenizer, prompt: judge, chat, maxLength, overlong, raw = false } = options;
  const [plain, labelIds, comparison, responsePair] = await Promise.all([
    createChatEncoder(options),
    findLabelIds(tokenizer, judge),
    comparisonTemplate(tokenizer, judge, chat),
    responsePairTemplate(tokenizer, judge, chat),
  ]);

  async function fill(
    template: Template,
    { id, prompt, responses }: PromptToEncode & { readonly responses: readonly Answer[] },
  ) {
    const parts = [prompt, ...responses].map((full, index) => {
      // Trimming can move a marker to the start of a line, so it comes before the escape.
      const text = trimText(conversationText(full), template.trims[index] ?? noTrims);
      return raw ? { text, neutralized: false } : neutralizeMarkers(judge, text);
    });
    const [promptIds = [], ...responseIds] = await Promise.all(
      parts.map(({ text }) => tokenizer.encode(text)),
    );
    return {
      ...fillTemplate(template, promptIds, responseIds, { maxLength, overlong, id }),
      neutralized: parts.some((part) => part.neutralized),
    };
  }

  return {
    ...plain,
    labelIds,
    async comparison({ id, prompt, a, b }) {
      const { boundary, ...rest } = await fill(comparison, { id, prompt, responses: [a, b] });
      return { ...rest, prefixLength: boundary };
    },
    async responsePair(record) {
      const { boundary, ...rest } = await fill(responsePair, record);
      return { ...rest, lossFrom: boundary };
    },
  };
}

async function findLabelIds(tokenizer: Tokenizer, judge: JudgePrompt): Promise<[number, number]> {
  const find = async (label: string) => {
    const ids = await tokenizer.encode(label);
    const [labelId] = ids;
    if (labelId !== undefined && ids.length === 1) return labelId;
    const names = ids.map((id) => `${id} ${quote(tokenizer.tokenName(id) ?? '')}`);
    throw new TokenizeError(
      'label-not-single-token',
      `the label ${quote(label)} is ${ids.length} tokens: ${names.join(', ') || 'none'}`,
      'use a tokenizer in which each label is one token, from which a verdict is read, or other labels',
    );
  };
  return Promise.all([find(judge.labels[0]), find(judge.labels[1])]);
}
