import { type Answer, answerTurns, type Prompt, promptTurns, quote, type Turn, turnText } from '@gram/base';
import { DataError } from '../error.js';

/** The reason why a record gives nothing although it has the fields of its format. */
export type DropReason = 'tie' | 'equal-responses' | 'empty-prompt' | 'empty-response';

/** Options of the readers. */
export interface ReadOptions {
  /** Called for each record that is left out, with its place and the reason. */
  readonly onDrop?: (where: string, reason: DropReason) => void;
}

/** Whether a table has an entry of its own with this name. */
export function isNameOf<Name extends string>(
  table: Readonly<Record<Name, unknown>>,
  name: string,
): name is Name {
  return Object.hasOwn(table, name);
}

/** Makes the error for a format that no table has. */
export function unknownFormat(format: string, known: readonly string[]): DataError {
  return new DataError('unknown-format', `there is no format ${quote(format)}`, `use ${known.join(', ')}`);
}

/** Says which text of a record is empty: that of all turns of the prompt but the system message, or of the end of a response. */
export function emptyText(prompt: Prompt, responses: readonly Answer[]): DropReason | undefined {
  if (promptTurns(prompt).every((turn) => turn.role === 'system' || isEmpty(turn))) return 'empty-prompt';
  const ends = responses.flatMap((response) => answerTurns(response).slice(-1));
  return ends.some(({ reasoning_content: _, ...said }) => isEmpty(said)) ? 'empty-response' : undefined;
}

function isEmpty(turn: Turn): boolean {
  return turnText(turn).trim() === '';
}
