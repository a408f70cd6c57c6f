import type { Choice } from '../conversations/choice.js';
import { turnsField } from '../conversations/messages.js';
import { splitPair } from '../conversations/split.js';
import { badField, idOf, textField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField, hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** What the winners of Chatbot Arena mean. */
const WINNERS: Readonly<Record<string, Choice>> = {
  model_a: 'first',
  model_b: 'second',
  tie: 'tie',
  'tie (bothbad)': 'tie',
  both_bad: 'tie',
};

/** Battles of Chatbot Arena. Both conversations have the same prompts, and part at the first answer. */
export const arena: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ conversation_a, conversation_b, winner }',
  fits: (from) => hasFields(from, 'conversation_a', 'conversation_b', 'winner'),
  read(from) {
    const choice = winnerOf(from);
    const side = (field: string) => ({ field, turns: turnsField(from, field) });
    const { prompt, responses } = splitPair(from, side('conversation_a'), side('conversation_b'));
    if (choice === 'tie') return 'tie';
    const [chosen, rejected] = choice === 'first' ? responses : [responses[1], responses[0]];
    return { id: idOf(from, firstField(from, ['question_id', 'id'])), prompt, chosen, rejected };
  },
};

/** Reads the winner of a battle. */
export function winnerOf(from: FileRecord): Choice {
  const winner = textField(from, 'winner');
  const choice = Object.hasOwn(WINNERS, winner) ? WINNERS[winner] : undefined;
  if (choice !== undefined) return choice;
  throw badField(from, 'winner', `one of ${Object.keys(WINNERS).join(', ')}`);
}
