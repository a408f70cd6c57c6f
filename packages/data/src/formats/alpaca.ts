import type { Turn } from '@gram/base';
import { toolsField, withContext } from '../conversations/context.js';
import { answerField } from '../conversations/messages.js';
import { splitDemonstration } from '../conversations/split.js';
import { idOf, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { Demonstration } from '../records.js';

/**
 * Reads Alpaca's `{ instruction, input?, output, system?, history?, tools? }`. An input that is not empty follows after a blank
 * line; `history` is a list of earlier exchanges, `[question, answer]`.
 */
export function alpaca(from: FileRecord): Demonstration {
  const turns = [...withContext(from, instructionTurns(from)), ...answerField(from, 'output')];
  return {
    id: idOf(from),
    ...splitDemonstration(from, { field: 'output', turns }),
    ...toolsField(from),
  };
}

/** The turn of an `instruction` with its `input`. */
export function instructionTurns(from: FileRecord): readonly Turn[] {
  const instruction = textField(from, 'instruction');
  const input = (valueAt(from, 'input') ?? '') === '' ? '' : textField(from, 'input');
  return [{ role: 'user', content: input === '' ? instruction : `${instruction}\n\n${input}` }];
}
