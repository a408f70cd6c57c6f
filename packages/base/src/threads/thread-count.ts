import { availableParallelism } from 'node:os';
import { BaseError } from '../error.js';
import { quote } from '../text/quote.js';

/**
 * Number of threads that share what a process computes: `GRAM_THREADS`, or as many as the machine runs at once.
 *
 * @throws {BaseError} `bad-option` for a setting that is no number of threads
 */
export function threadCount(): number {
  const setting = process.env.GRAM_THREADS;
  if (setting === undefined || setting === '') return availableParallelism();
  const count = Number(setting);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new BaseError(
    'bad-option',
    `GRAM_THREADS is ${quote(setting)}`,
    'set it to a whole number of at least 1',
  );
}
