import { toolsField } from '../conversations/context.js';
import { readExchange } from '../conversations/exchange.js';
import { badField, familyOf, idOf, optionalBoolean } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField, hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';
import { readConversation } from './messages.js';

/**
 * Single responses that are good or bad, as KTO learns from: a prompt with its completion, or a whole conversation, with a label,
 * true for good.
 */
export const kto: FormatOf<'label'> = {
  holds: 'label',
  fields: '{ prompt, completion, label } or { messages, label }',
  fits(from) {
    const label = labelOf(from);
    const isLabeled = label !== undefined && optionalBoolean(from, label) !== undefined;
    return isLabeled && (responseOf(from) !== undefined || hasConversation(from));
  },
  read(from) {
    const label = labelOf(from) ?? 'label';
    const isGood = optionalBoolean(from, label);
    if (isGood === undefined) throw badField(from, label, 'true or false');
    return {
      id: idOf(from),
      ...(hasConversation(from)
        ? readConversation(from)
        : readExchange(from, 'prompt', responseOf(from) ?? 'completion')),
      ...toolsField(from),
      isGood,
      family: familyOf(from),
    };
  },
};

function labelOf(from: FileRecord): string | undefined {
  return firstField(from, ['label', 'kto_tag']);
}

function responseOf(from: FileRecord): string | undefined {
  return hasFields(from, 'prompt') ? firstField(from, ['completion', 'response']) : undefined;
}

function hasConversation(from: FileRecord): boolean {
  return firstField(from, ['messages', 'conversations', 'conversation']) !== undefined;
}
