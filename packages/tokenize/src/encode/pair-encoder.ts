import type { Answer } from '@gram/base';
import { quote } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { Tokenizer } from '../library.js';
import type { JudgePrompt } from '../prompts/judge-prompt.js';
import {
  type ChatEncoder,
  type ChatEncoderOptions,
  createChatEncoder,
  defaultEncoding,
  type Encoded,
  type EncodedTurn,
  encodedOf,
  type PromptToEncode,
  turnOf,
} from './chat-encoder.js';
import { fillForms, fillOrders } from './fill.js';
import { answerText, comparisonForm, questionText, responsePairForm } from './form.js';
import { neutralizeMarkers } from './markers.js';

/** Options of `createPairEncoder`. */
export interface PairEncoderOptions extends ChatEncoderOptions {
  /** The judging prompt. */
  readonly prompt: JudgePrompt;
  /** Whether markers in user text stay as they are, for parity with other implementations. @default false */
  readonly raw?: boolean;
}

/** Encodes prompts with pairs of responses, and conversations as well. `id` names the record in errors. */
export interface PairEncoder extends ChatEncoder {
  /** Ids of the labels that say that the first or the second response is better. */
  readonly labelIds: readonly [number, number];
  /** Encodes the judging prompt up to the assistant's start; the next token is the label. */
  comparison(record: PromptToEncode & { readonly a: Answer; readonly b: Answer }): Promise<Encoded>;
  /**
   * Encodes both orders of a comparison, that of `comparison` first. The second one may be left out where nothing has to be cut,
   * unless `needsBoth` (default true) says that it is needed.
   */
  comparisons(
    record: PromptToEncode & { readonly a: Answer; readonly b: Answer },
    options?: { readonly needsBoth?: boolean },
  ): Promise<readonly [Encoded, Encoded | undefined]>;
  /** Encodes the question as the user's turn, and both responses with the end token as the assistant's, for stage 1. */
  responsePair(
    record: PromptToEncode & { readonly responses: readonly [Answer, Answer] },
  ): Promise<EncodedTurn>;
}

/**
 * Creates an encoder for a tokenizer, a judging prompt and a chat layout.
 *
 * No text of a record yields a control token. Markers of the judging prompt inside it are escaped after it was cut, see
 * {@link neutralizeMarkers}. Both orders of a comparison are cut alike. A prompt or a response of several turns is written into
 * the judging prompt as {@link JudgePrompt} states. The methods throw TokenizeError `too-long` and `template-too-long`.
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
  const { prompt: judge, raw = false, chat, ...fixed } = options;
  const [plain, labelIds] = await Promise.all([
    createChatEncoder(options),
    findLabelIds(options.tokenizer, judge),
  ]);
  const neutralize = (text: string) => (raw ? { text, neutralized: false } : neutralizeMarkers(judge, text));
  const common = { ...fixed, encoding: options.encoding ?? defaultEncoding(chat), neutralize };
  const formOf = { comparison: comparisonForm(judge, chat), responsePair: responsePairForm(judge, chat) };

  const comparisons: PairEncoder['comparisons'] = async ({ a, b, ...record }, { needsBoth = true } = {}) => {
    const question = questionText(record.prompt, record.tools);
    const [first, second] = [answerText(a), answerText(b)];
    const forms = [
      formOf.comparison([question, first, second]),
      formOf.comparison([question, second, first]),
    ] as const;
    const [filled, swapped] = await fillOrders(forms, { ...common, id: record.id, needsBoth });
    return [encodedOf(filled), swapped && encodedOf(swapped)];
  };

  return {
    ...plain,
    labelIds,
    comparisons,
    comparison: async (record) => (await comparisons(record, { needsBoth: false }))[0],
    async responsePair({ responses: [first, second], ...record }) {
      const question = questionText(record.prompt, record.tools);
      const form = formOf.responsePair([question, answerText(first), answerText(second)]);
      const [filled] = await fillForms([form], { ...common, id: record.id });
      return turnOf(filled);
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
  // One after the other, so that the error is always about the first label that does not suit.
  return [await find(judge.labels[0]), await find(judge.labels[1])];
}
