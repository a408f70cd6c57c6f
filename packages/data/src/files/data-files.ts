import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { DataError } from '../error.js';

/** Names of files that can be read. */
const READABLE = /\.(?:(?:jsonl?|csv|tsv)(?:\.gz|\.zst)?|parquet)$/;

/** Largest number of files of one folder or pattern. */
const FILE_LIMIT = 10_000;

/** Whether a file of this name can be read. */
export function isDataFile(name: string): boolean {
  return READABLE.test(name);
}

/** Whether the path of a file fits a pattern, see `dataFiles`. */
export function matchesPattern(pattern: string, path: string): boolean {
  return patternOf(pattern).test(path);
}

/**
 * Lists the files at a path: the file itself, those of a folder and its subfolders, or those that fit a pattern, in which `*` and
 * `?` stand for what is within a name and `**` for any folders. Files of a folder or a pattern are in the order of their names,
 * which is the same on every machine.
 *
 * @throws {DataError} `file-missing`, `file-unreadable`, `too-large` (more than 10,000 files)
 */
export async function dataFiles(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return [path];
  if (found?.isDirectory()) return filesIn(path, isDataFile, path);
  if (found !== undefined) {
    throw new DataError('file-unreadable', `${path} is not a file`, 'give the path of a file or of a folder');
  }
  const [fixed] = /^[^*?]*/.exec(path) ?? [''];
  if (fixed === path) throw new DataError('file-missing', `cannot find ${path}`, 'check the path');
  const folder = fixed.endsWith('/') && fixed !== '/' ? fixed.slice(0, -1) : dirname(`${fixed}x`);
  const pattern = patternOf(path);
  return filesIn(folder, (name) => pattern.test(join(folder, name).split(sep).join('/')), path);
}

async function filesIn(
  folder: string,
  isWanted: (name: string) => boolean,
  asked: string,
): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: Error) => {
    throw new DataError('file-missing', `cannot read ${folder}`, 'check the path', { cause });
  });
  const names = entries
    // The cache of the hub is made of links.
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(isWanted)
    // By code units and not by locale.
    .sort((a, b) => (a < b ? -1 : 1));
  if (names.length === 0) {
    const hint =
      'check the path; files are named .jsonl, .json, .csv, .tsv or .parquet, or the first four with .gz or .zst';
    throw new DataError('file-missing', `there is no file of records at ${asked}`, hint);
  }
  if (names.length <= FILE_LIMIT) return names.map((name) => join(folder, name));
  throw new DataError(
    'too-large',
    `${asked} has ${names.length} files and ${FILE_LIMIT} are allowed`,
    'give a folder or a pattern of fewer files',
  );
}

/** The pattern as a regular expression of whole paths. */
function patternOf(path: string): RegExp {
  const parts = join(path)
    .split(sep)
    .join('/')
    .split(/(\*\*\/|\*|\?)/);
  const meanings: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '*': '[^/]*', '?': '[^/]' };
  const source = parts.map((part) => meanings[part] ?? part.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${source.join('')}$`);
}
