import { replaceFile } from '../replace-file.js';

/**
 * Writes a page (UTF-8), making its folder where needed. The file is written under another name, flushed and renamed: a
 * reader finds the old page or the whole new one.
 *
 * @throws {ReportError} `write-failed` if the file cannot be written; nothing is left behind then
 */
export async function writePage(path: string, html: string): Promise<void> {
  await replaceFile(path, html);
}
