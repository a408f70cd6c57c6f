import type { Turn } from '@gram/base';
import { type Choice, readChoice } from '../conversations/choice.js';
import { parsedJson, turnsField } from '../conversations/messages.js';
import { splitPair } from '../conversations/split.js';
import { badField, idOf, numberField, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField, hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Meaning of the winners of Chatbot Arena. */
const WINNERS: Readonly<Record<string, Choice>> = {
  model_a: 'first',
  model_b: 'second',
  tie: 'tie',
  'tie (bothbad)': 'tie',
  both_bad: 'tie',
};

/** The columns of the winner in the edition of Kaggle. */
const WINNER_COLUMNS = [
  ['winner_model_a', 'first'],
  ['winner_model_b', 'second'],
  ['winner_tie', 'tie'],
] as const;

/**
 * Battles of Chatbot Arena, in three editions: two whole conversations; the prompts and the responses of each turn as JSON lists,
 * as Kaggle has them; and one prompt with two responses, as PPE publishes them. Conversations have the same prompts and part at
 * the first answer.
 */
export const arena: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ conversation_a, conversation_b, winner } or { prompt, response_a, response_b, winner_model_a }',
  fits: (from) =>
    hasFields(from, 'conversation_a', 'conversation_b', 'winner') ||
    hasFields(from, 'prompt', 'response_a', 'response_b', 'winner_model_a') ||
    hasFields(from, 'prompt', 'response_1', 'response_2', 'winner'),
  read(from) {
    const id = idOf(from, firstField(from, ['question_id', 'id']));
    if (hasFields(from, 'response_1')) {
      const pair = readChoice(from, ['prompt', 'response_1', 'response_2'], winnerOf(from));
      return pair === 'tie' ? pair : { id, ...pair };
    }
    const isKaggle = hasFields(from, 'response_a');
    const choice = isKaggle ? winnerOfColumns(from) : winnerOf(from);
    const side = (label: 'a' | 'b') => {
      const field = isKaggle ? `response_${label}` : `conversation_${label}`;
      return { field, turns: isKaggle ? exchangesOf(from, field) : turnsField(from, field) };
    };
    const { prompt, responses } = splitPair(from, side('a'), side('b'));
    if (choice === 'tie') return 'tie';
    const [chosen, rejected] = choice === 'first' ? responses : [responses[1], responses[0]];
    return { id, prompt, chosen, rejected };
  },
};

function winnerOf(from: FileRecord): Choice {
  const winner = textField(from, 'winner');
  const choice = Object.hasOwn(WINNERS, winner) ? WINNERS[winner] : undefined;
  if (choice !== undefined) return choice;
  throw badField(from, 'winner', `one of ${Object.keys(WINNERS).join(', ')}`);
}

function winnerOfColumns(from: FileRecord): Choice {
  const winners = WINNER_COLUMNS.filter(([name]) => numberField(from, name) === 1);
  const [only] = winners;
  if (only !== undefined && winners.length === 1) return only[1];
  throw badField(from, 'winner_model_a', 'one 1 among the three columns of the winner');
}

/** The turns of a conversation whose prompts and responses are lists. */
function exchangesOf(from: FileRecord, field: string): Turn[] {
  const [prompts, responses] = [textsOf(from, 'prompt'), textsOf(from, field)];
  if (prompts.length !== responses.length) throw badField(from, field, 'as long as "prompt"');
  return prompts.flatMap((prompt, at) => [
    { role: 'user', content: prompt },
    { role: 'assistant', content: responses[at] ?? '' },
  ]);
}

/** A list of texts, or its JSON. A response that is missing there is empty. */
function textsOf(from: FileRecord, field: string): readonly string[] {
  const refuse = () => badField(from, field, 'a list of texts');
  const value = valueAt(from, field);
  const list = typeof value === 'string' ? parsedJson(value, refuse) : value;
  if (!Array.isArray(list)) throw refuse();
  return list.map((text: unknown) => {
    if (text !== null && typeof text !== 'string') throw refuse();
    return text ?? '';
  });
}
