import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { writeFailed } from './error.js';

/**
 * Writes a file (UTF-8), making its folder where needed. A reader finds the old file or the whole new one.
 *
 * @throws {ReportError} `write-failed`; nothing is left behind then
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, text);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}
