import { turnsField } from '../conversations/messages.js';
import { readPair } from '../conversations/pair.js';
import { idOf } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/** Reads ShareGPT's `{ conversations, chosen, rejected, system?, tools? }`; a response is one message, `{ from, value }`. */
export function shareGptPairs(from: FileRecord): PreferencePair {
  const field = 'conversations';
  const prompt = { field, turns: turnsField(from, field) };
  return { id: idOf(from), ...readPair(from, { prompt, chosen: 'chosen', rejected: 'rejected' }) };
}
