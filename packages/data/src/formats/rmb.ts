import { conversationText, idOf, messagesField, optionalText, textField } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/** Reads RMB's `{ pair_uid, subset, conversation_input, chosen: { answer }, reject: { answer } }`. */
export function rmb(from: FileRecord): PreferencePair {
  return {
    id: idOf(from, 'pair_uid'),
    prompt: conversationText(messagesField(from, 'conversation_input')),
    chosen: textField(from, 'chosen.answer'),
    rejected: textField(from, 'reject.answer'),
    family: optionalText(from, 'subset'),
  };
}
