import { turnsField } from '../conversations/messages.js';
import { readPair } from '../conversations/pair.js';
import { idOf, optionalText } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/** Reads RMB's `{ pair_uid, subset, conversation_input, chosen: { answer }, reject: { answer } }`. */
export function rmb(from: FileRecord): PreferencePair {
  const field = 'conversation_input';
  const prompt = { field, turns: turnsField(from, field) };
  return {
    id: idOf(from, 'pair_uid'),
    ...readPair(from, { prompt, chosen: 'chosen.answer', rejected: 'reject.answer' }),
    family: optionalText(from, 'subset'),
  };
}
