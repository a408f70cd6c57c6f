import { BaseError } from '../error.js';
import { quote } from '../text/quote.js';
import { usableCores } from './usable-cores.js';

/**
 * Number of threads that share what a process computes: `GRAM_THREADS`, or one for each core that the process may use.
 *
 * @throws {BaseError} `bad-option` for a setting that is no number of threads
 */
export function threadCount(): number {
  const setting = process.env.GRAM_THREADS;
  if (setting === undefined || setting === '') return usableCores();
  const count = Number(setting);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new BaseError(
    'bad-option',
    `GRAM_THREADS is ${quote(setting)}`,
    'set it to a whole number of at least 1',
  );
}
