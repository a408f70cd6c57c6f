import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { DataError } from '../error.js';

/** A task of BIG-bench. */
const TASK = /(^|\/)task\.json(\.gz)?$/;
const READABLE = /\.jsonl?(\.gz)?$/;
/** Files of one benchmark at most. */
const FILE_LIMIT = 1000;

/** A data file of a benchmark. */
export interface DataFile {
  readonly path: string;
  /** The name without its extension; of a file that is called `dataset`, `test` or `task`, that of its folder. */
  readonly stem: string;
}

/**
 * The data files at a path: the file itself, or those of a folder and its subfolders, in the order of their names, which is
 * the same on every machine. Of a folder with tasks of BIG-bench (`task.json`) only these.
 *
 * @throws {DataError} `file-missing`, `file-unreadable`, `too-large` (more than 1000 files)
 */
export async function dataFiles(path: string): Promise<DataFile[]> {
  const found = await stat(path).catch((cause: Error) => {
    throw new DataError('file-missing', `can not find ${path}`, 'Check the path.', { cause });
  });
  if (!found.isDirectory()) return [{ path, stem: stemOf(path) }];
  let names: string[];
  try {
    names = (await readdir(path, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && READABLE.test(entry.name))
      .map((entry) => relative(path, join(entry.parentPath, entry.name)).split(sep).join('/'));
  } catch (cause) {
    throw new DataError('file-unreadable', `can not read ${path}`, 'Check that you may read the folder.', {
      cause,
    });
  }
  if (names.length > FILE_LIMIT) {
    throw new DataError(
      'too-large',
      `${path} holds ${names.length} data files and ${FILE_LIMIT} are allowed`,
      'Give the folder of the benchmark itself.',
    );
  }
  // Beside the tasks of BIG-bench stand the results of models.
  const tasks = names.filter((name) => TASK.test(name));
  // By code units and not by locale.
  return (tasks.length > 0 ? tasks : names)
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => ({ path: join(path, name), stem: stemOf(join(path, name)) }));
}

function stemOf(path: string): string {
  const stem = basename(path).replace(READABLE, '');
  return ['dataset', 'test', 'task'].includes(stem) ? basename(dirname(path)) : stem;
}
