import {
  badField,
  conversationText,
  idOf,
  messagesField,
  numberField,
  optionalText,
  textField,
  valueAt,
} from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/**
 * Reads UltraFeedback's `{ prompt?, chosen, rejected }`. The answers are texts, or conversations whose last message is the
 * answer and whose others are the prompt. `score_chosen` and `score_rejected`, which may stand under `metadata`, give the
 * margin.
 */
export function ultrafeedback(from: FileRecord): PreferencePair {
  return {
    id: idOf(from, 'source_index'),
    prompt: optionalText(from, 'prompt') ?? conversationText(messagesField(from, 'chosen').slice(0, -1)),
    chosen: answerField(from, 'chosen'),
    rejected: answerField(from, 'rejected'),
    ...(ratedMargin(from, 'score') ?? ratedMargin(from, 'metadata.score')),
  };
}

/** A text, or the last message of a conversation. */
function answerField(from: FileRecord, name: string): string {
  if (!Array.isArray(valueAt(from, name))) return textField(from, name);
  return messagesField(from, name).at(-1)?.content ?? '';
}

/** The margin by two ratings, where a record has both. */
function ratedMargin(from: FileRecord, rating: string): { readonly margin: number } | undefined {
  const [chosen, rejected] = [`${rating}_chosen`, `${rating}_rejected`];
  if (valueAt(from, chosen) === undefined || valueAt(from, rejected) === undefined) return undefined;
  const margin = numberField(from, chosen) - numberField(from, rejected);
  if (!(margin >= 0)) throw badField(from, rejected, `a rating of at most that of "${chosen}"`);
  return { margin };
}
