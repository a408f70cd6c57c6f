import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { writeFailed } from './append-file.js';

/**
 * Writes a page (UTF-8), making its folder where needed. The file is written under another name, flushed and renamed:
 * a reader finds the old page or the whole new one.
 *
 * @throws ReportError `write-failed` if the file cannot be written; nothing is left behind then.
 */
export async function writePage(path: string, html: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, html);
  } catch (cause) {
    throw writeFailed(`the report ${path}`, cause);
  }
}
