import { toolsField, withContext } from '../conversations/context.js';
import { turnsField } from '../conversations/messages.js';
import { splitDemonstration } from '../conversations/split.js';
import { idOf, optionalText, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { Demonstration } from '../records.js';

/**
 * Reads a whole conversation, `{ messages, system?, tools?, id?, family? }`; ShareGPT calls the list `conversations`. The turns
 * of the assistant at its end, with those of the tools that it calls, are the response; earlier answers are context.
 */
export function messages(from: FileRecord): Demonstration {
  const field =
    ['messages', 'conversations', 'conversation'].find((name) => valueAt(from, name)) ?? 'messages';
  return {
    id: idOf(from),
    ...splitDemonstration(from, { field, turns: withContext(from, turnsField(from, field)) }),
    ...toolsField(from),
    family: optionalText(from, 'family') ?? optionalText(from, 'subset'),
  };
}
