import { promptField } from '../conversations/messages.js';
import { readPair } from '../conversations/pair.js';
import { idOf } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/** Reads the pairs that were made of Orca, `{ system, question, chosen, rejected }`. */
export function orca(from: FileRecord): PreferencePair {
  const prompt = { field: 'question', turns: promptField(from, 'question') };
  return { id: idOf(from), ...readPair(from, { prompt, chosen: 'chosen', rejected: 'rejected' }) };
}
