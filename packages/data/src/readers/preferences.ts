import { DataError } from '../error.js';
import type { PreferencePair } from '../records.js';
import {
  badField,
  conversationText,
  idOf,
  messagesField,
  numberField,
  optionalText,
  textField,
  valueAt,
} from './fields.js';
import { type FileRecord, readRecords } from './records.js';

/** Why a record gives no pair although nothing is wrong with it. */
export type DropReason = 'tie' | 'equal-responses';

export interface ReadOptions {
  /** Called for each record that is left out, with its place and the reason. */
  readonly dropped?: (where: string, reason: DropReason) => void;
}

type Parsed = PreferencePair | 'tie';

const parsers = {
  preference: (from) => ({
    id: idOf(from),
    prompt: textField(from, 'prompt'),
    chosen: textField(from, 'chosen'),
    rejected: textField(from, 'rejected'),
    ...marginField(from),
    family: optionalText(from, 'family') ?? optionalText(from, 'subset'),
  }),
  'hh-rlhf': parseTranscripts,
  llmbar: (from) => {
    const label = numberField(from, 'label');
    if (label !== 1 && label !== 2) throw badField(from, 'label', '1 or 2');
    return {
      id: idOf(from),
      prompt: textField(from, 'input'),
      chosen: textField(from, `output_${label}`),
      rejected: textField(from, `output_${3 - label}`),
    };
  },
  hhh: (from) => ({
    id: idOf(from),
    prompt: textField(from, 'prompt'),
    chosen: textField(from, 'chosen'),
    rejected: textField(from, 'rejected'),
    family: textField(from, 'subset'),
  }),
  ultrafeedback: parseUltraFeedback,
  rmb: (from) => ({
    id: idOf(from, 'pair_uid'),
    prompt: conversationText(messagesField(from, 'conversation_input')),
    chosen: textField(from, 'chosen.answer'),
    rejected: textField(from, 'reject.answer'),
    family: optionalText(from, 'subset'),
  }),
  webgpt: (from) => {
    const [first, second] = [numberField(from, 'scores.0'), numberField(from, 'scores.1')];
    const answers = [textField(from, 'answers.0'), textField(from, 'answers.1')] as const;
    if (first === second) return 'tie';
    const [chosen, rejected] = first > second ? answers : [answers[1], answers[0]];
    const margin = Math.abs(first - second);
    return { id: idOf(from), prompt: textField(from, 'question'), chosen, rejected, margin };
  },
} as const satisfies Record<string, (from: FileRecord) => Parsed>;

/** Name of a file format with judged pairs; `preferenceFormats` lists them. */
export type PreferenceFormat = keyof typeof parsers;

/**
 * Formats of judged pairs.
 *
 * | name | record |
 * |---|---|
 * | `preference` | `{ prompt, chosen, rejected, margin?, id?, family? }`; `subset` counts as the family |
 * | `hh-rlhf` | `{ chosen, rejected }`, whole transcripts of `\n\nHuman: ...\n\nAssistant: ...` turns |
 * | `llmbar` | `{ input, output_1, output_2, label }`, label 1 or 2 is the better output |
 * | `hhh` | `{ subset, prompt, chosen, rejected }` |
 * | `ultrafeedback` | `{ prompt?, chosen, rejected }`; the answers are texts or message lists; `score_chosen` and `score_rejected`, which may stand under `metadata`, give the margin |
 * | `rmb` | `{ pair_uid, subset, conversation_input, chosen: { answer }, reject: { answer } }` |
 * | `webgpt` | `{ question, answers: [2], scores: [2] }`, the higher score is better, the difference is the margin; ties are dropped |
 */
export const preferenceFormats = Object.keys(parsers) as readonly PreferenceFormat[];

/**
 * Reads judged pairs, one at a time. Records without an id get their position in the file. Pairs of equal
 * responses and ties are dropped.
 *
 * `hh-rlhf` splits a transcript at the last `\n\nAssistant:` that both sides share word for word: what follows
 * it is the response, trimmed, and what precedes it is the prompt. A prompt of one human turn loses its
 * `Human:` mark; a longer one keeps the marks and the blank lines between turns.
 * Transcripts that part before their last turn (5 of the 1,812 of harmless-base) keep the later turns in the
 * responses.
 *
 * @throws {DataError} `unknown-format`, `bad-record` (names the field, the record and the file), and the errors
 * of `readRecords`
 */
export function readPreferences(
  path: string,
  format: PreferenceFormat,
  options: ReadOptions = {},
): AsyncIterable<PreferencePair> {
  if (!Object.hasOwn(parsers, format)) throw unknownFormat(format, preferenceFormats);
  return parseAll(path, parsers[format], options);
}

export function unknownFormat(format: string, known: readonly string[]): DataError {
  return new DataError(
    'unknown-format',
    `there is no format "${format}"`,
    `Use one of these: ${known.join(', ')}.`,
  );
}

async function* parseAll(
  path: string,
  parse: (from: FileRecord) => Parsed,
  { dropped }: ReadOptions,
): AsyncGenerator<PreferencePair> {
  for await (const from of readRecords(path)) {
    const pair = parse(from);
    if (pair === 'tie') dropped?.(from.where, 'tie');
    else if (pair.chosen === pair.rejected) dropped?.(from.where, 'equal-responses');
    else yield pair;
  }
}

const ASSISTANT = '\n\nAssistant:';
const HUMAN = '\n\nHuman:';

function parseTranscripts(from: FileRecord): PreferencePair {
  const [chosen, rejected] = [textField(from, 'chosen'), textField(from, 'rejected')];
  let shared = 0;
  while (shared < chosen.length && chosen[shared] === rejected[shared]) shared++;
  const marker = chosen.slice(0, shared).lastIndexOf(ASSISTANT);
  if (marker < 0)
    throw badField(from, 'chosen', 'a transcript that shares an Assistant turn with "rejected"');
  const transcript = chosen.slice(0, marker);
  const turns = transcript.split(HUMAN).length - 1;
  const single = turns === 1 && transcript.startsWith(HUMAN) && !transcript.includes(ASSISTANT);
  return {
    id: idOf(from),
    prompt: (single ? transcript.slice(HUMAN.length) : transcript).trim(),
    chosen: chosen.slice(marker + ASSISTANT.length).trim(),
    rejected: rejected.slice(marker + ASSISTANT.length).trim(),
  };
}

/** The answers are texts, or conversations whose last message is the answer and whose others are the prompt. */
function parseUltraFeedback(from: FileRecord): PreferencePair {
  const answer = (name: string) =>
    Array.isArray(valueAt(from, name))
      ? (messagesField(from, name).at(-1)?.content as string)
      : textField(from, name);
  const prompt = optionalText(from, 'prompt') ?? conversationText(messagesField(from, 'chosen').slice(0, -1));
  return {
    id: idOf(from, 'source_index'),
    prompt,
    chosen: answer('chosen'),
    rejected: answer('rejected'),
    ...(ratedMargin(from, 'score') ?? ratedMargin(from, 'metadata.score')),
  };
}

/** The margin of a record that may state one. */
function marginField(from: FileRecord): { readonly margin?: number } {
  if (valueAt(from, 'margin') === undefined) return {};
  const margin = numberField(from, 'margin');
  if (!(margin >= 0)) throw badField(from, 'margin', 'a number of 0 or more');
  return { margin };
}

/** The margin by two ratings, where a record has both. */
function ratedMargin(from: FileRecord, rating: string): { readonly margin: number } | undefined {
  const [chosen, rejected] = [`${rating}_chosen`, `${rating}_rejected`];
  if (valueAt(from, chosen) === undefined || valueAt(from, rejected) === undefined) return undefined;
  const margin = numberField(from, chosen) - numberField(from, rejected);
  if (!(margin >= 0)) throw badField(from, rejected, `a rating of at most that of "${chosen}"`);
  return { margin };
}
