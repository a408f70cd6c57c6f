import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReportError } from './error.js';

/**
 * Writes a page (UTF-8), making its folder where needed. The file is written under another name, flushed and renamed:
 * a reader finds the old page or the whole new one.
 *
 * @throws ReportError `write-failed` if the file cannot be written; nothing is left behind then.
 */
export async function writePage(path: string, html: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(html);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ReportError(
      'write-failed',
      `the report ${path} could not be written: ${reason}`,
      'Check that the folder can be written and that the disk has room.',
      { cause },
    );
  }
}
