import { badField, numberField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';

/** Largest number of responses of a record: the number of pairs grows with its square. */
const MOST_RESPONSES = 64;

/**
 * Lists the paths of the entries of a field that must be a list, as in `answers.0`.
 *
 * @throws {DataError} `bad-record`
 */
export function entriesOf(from: FileRecord, name: string): readonly string[] {
  const value = valueAt(from, name);
  if (Array.isArray(value) && value.length > 0 && value.length <= MOST_RESPONSES) {
    return value.map((_, at) => `${name}.${at}`);
  }
  throw badField(from, name, `a list of 1 to ${MOST_RESPONSES} entries`);
}

/**
 * Reads one number for each response: a reward, or its negative where a smaller number is better, such as a rank.
 *
 * @throws {DataError} `bad-record`
 */
export function rewardsOf(
  from: FileRecord,
  paths: readonly string[],
  best: 'highest' | 'lowest' = 'highest',
): readonly number[] {
  return paths.map((path) => {
    const value = numberField(from, path);
    if (!Number.isFinite(value)) throw badField(from, path, 'a finite number');
    return best === 'highest' ? value : -value;
  });
}
