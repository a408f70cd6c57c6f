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
} from './chat-encoder.js';
import { neutraliseMarkers } from './markers.js';
import { comparisonTemplate, fillTemplate, responsePairTemplate, type Template } from './template.js';

export interface PairEncoderOptions extends ChatEncoderOptions {
  readonly prompt: JudgePrompt;
  /** Leave markers in user text as they are, for parity with other implementations. Default false. */
  readonly raw?: boolean;
}

export interface EncodedComparison extends Encoded {
  /** How many ids come before the first answer's text. They are the same for both orders of the answers. */
  readonly prefixLength: number;
}

/** Turns prompts and pairs of responses into ids, and plain conversations as well. `id` names the record in errors. */
export interface PairEncoder extends ChatEncoder {
  /** Ids of the two labels: of the first and of the second response being better. */
  readonly labelIds: readonly [number, number];
  /** The judging prompt up to the assistant's start; the next token is the label. */
  comparison(record: { id?: string; prompt: string; a: string; b: string }): Promise<EncodedComparison>;
  /** Stage 1: the question in the user's turn, both responses and the end token in the assistant's. */
  responsePair(record: {
    id?: string;
    prompt: string;
    responses: readonly [string, string];
  }): Promise<EncodedTurn>;
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
  const [plain, labelIds, comparison, responsePair] = await Promise.all([
    createChatEncoder(options),
    findLabelIds(tokenizer, judge),
    comparisonTemplate(tokenizer, judge, chat),
    responsePairTemplate(tokenizer, judge, chat),
  ]);

  async function fill(
    template: Template,
    { id, prompt, responses }: { id?: string; prompt: string; responses: readonly string[] },
  ) {
    const parts = [prompt, ...responses].map((full, index) => {
      // Trimming can put a marker at the start of a line, so it comes before the escape.
      const text = trimText(full, template.trims[index] ?? noTrims);
      return raw ? { text, neutralised: false } : neutraliseMarkers(judge, text);
    });
    const [promptIds = [], ...responseIds] = await Promise.all(
      parts.map(({ text }) => tokenizer.encode(text)),
    );
    return {
      ...fillTemplate(template, promptIds, responseIds, { maxLength, overlong, id }),
      neutralised: parts.some((part) => part.neutralised),
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
