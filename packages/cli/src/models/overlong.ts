import { TokenizeError } from '@gram/tokenize';
import { CliError } from '../error.js';

/** The flag that says what becomes of text that does not fit the model. */
export const overlongFlag = {
  value: 'WHAT',
  choices: ['error', 'truncate'],
  help: 'what happens to a text that does not fit the model; default error',
} as const;

/** The value of the flag `--overlong`. */
export function readOverlong(value: string | undefined): 'error' | 'truncate' {
  return value === 'truncate' ? 'truncate' : 'error';
}

/** Runs a command and names the flag that helps where text was too long. */
export async function explainOverlong<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof TokenizeError) || cause.code !== 'too-long') throw cause;
    throw new CliError('too-long', cause.message, 'drop it, or cut it to fit with --overlong truncate', {
      cause,
    });
  }
}
