import { readPair } from '../conversations/pair.js';
import { idOf, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';
import { instructionTurns } from './alpaca.js';

/**
 * Reads Alpaca's records with two responses, `{ instruction, input?, chosen, rejected, system?, history?, tools? }`, or
 * `{ instruction, input?, output: [better, worse] }`.
 */
export function alpacaPairs(from: FileRecord): PreferencePair {
  const prompt = { field: 'instruction', turns: instructionTurns(from) };
  const [chosen, rejected] = Array.isArray(valueAt(from, 'output'))
    ? (['output.0', 'output.1'] as const)
    : (['chosen', 'rejected'] as const);
  return { id: idOf(from), ...readPair(from, { prompt, chosen, rejected }) };
}
