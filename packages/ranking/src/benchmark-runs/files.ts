import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { DataError } from '@gram/data';
import type { DataFile } from '../benchmark/definition.js';

/** The file of a task of BIG-bench. */
const TASK = /(^|\/)task\.json(\.gz)?$/;
const READABLE = /\.jsonl?(\.gz)?$/;
/** Maximum number of files of one benchmark. */
const FILE_LIMIT = 1000;

/**
 * Lists the data files at a path: the file itself, or those of a folder and its subfolders, in the order of their names, which
 * is the same on every machine. In a folder with tasks of BIG-bench (`task.json`) only these count.
 *
 * @throws {DataError} `file-missing`, `file-unreadable`, `too-large` (more than 1000 files)
 */
export async function dataFiles(path: string): Promise<DataFile[]> {
  const found = await stat(path).catch((cause: Error) => {
    throw new DataError('file-missing', `cannot find ${path}`, 'check the path', { cause });
  });
  if (!found.isDirectory()) return [{ path, stem: stemOf(path) }];
  const names = await namesIn(path);
  // Beside the tasks of BIG-bench stand the results of models.
  const tasks = names.filter((name) => TASK.test(name));
  // By code units and not by locale.
  return (tasks.length > 0 ? tasks : names)
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => ({ path: join(path, name), stem: stemOf(join(path, name)) }));
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: Error) => {
    const hint = 'check that you may read the folder';
    throw new DataError('file-unreadable', `cannot read ${folder}`, hint, { cause });
  });
  const names = entries
    .filter((entry) => entry.isFile() && READABLE.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  if (names.length <= FILE_LIMIT) return names;
  throw new DataError(
    'too-large',
    `${folder} holds ${names.length} data files and ${FILE_LIMIT} are allowed`,
    'give the folder of the benchmark itself',
  );
}

function stemOf(path: string): string {
  const stem = basename(path).replace(READABLE, '');
  return ['dataset', 'test', 'task'].includes(stem) ? basename(dirname(path)) : stem;
}
