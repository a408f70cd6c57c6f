import { isOutOfMemory, memoryBound, systemCode } from '@gram/base';

/** The one line about an error that is no fault of gram, in its two parts. */
export interface Described {
  readonly message: string;
  readonly hint: string;
}

/**
 * Describes an error in the one style that all have: those of the packages as they are; what the system refuses, such as a
 * full disk, by its name; and memory that ended. Undefined for anything else, which is a fault of gram itself.
 */
export function describeError(error: unknown): Described | undefined {
  if (!(error instanceof Error)) return undefined;
  if (hasHint(error)) return { message: oneLine(error.message), hint: oneLine(error.hint) };
  if (isOutOfMemory(error)) {
    const { bytes, source } = memoryBound();
    return {
      message: `memory ended; ${source} has ${(bytes / 1e9).toFixed(1)} GB (${oneLine(error.message)})`,
      hint: 'use a smaller model, shorter texts or fewer of them at once, or end other programs',
    };
  }
  const code = systemCode(error);
  if (code === undefined) return undefined;
  const known = HINTS[code] ?? 'check the path, its folder and the disk';
  return { message: `the system refused: ${oneLine(error.message)}`, hint: known };
}

/** The line on which an error is printed; for a fault of gram itself its stack follows. */
export function errorText(error: unknown): string {
  const described = describeError(error);
  if (described !== undefined) return `gram: ${described.message}; ${described.hint}\n`;
  return `gram: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`;
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free space on the disk, and run the same command again',
  EDQUOT: 'free space within your quota, and run the same command again',
  EROFS: 'choose a place that can be written to',
  EACCES: 'check who may read and write there',
  EPERM: 'check who may read and write there',
  EMFILE: 'raise the limit on open files (ulimit -n)',
  EIO: 'check the disk, and run the same command again',
};

function hasHint(error: Error): error is Error & { readonly hint: string } {
  return (
    'code' in error && typeof error.code === 'string' && 'hint' in error && typeof error.hint === 'string'
  );
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
