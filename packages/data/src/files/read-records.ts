import { DataError } from '../error.js';
import { bytesOf } from './bytes.js';
import { scanRows } from './csv.js';
import { dataFiles } from './data-files.js';
import { scanArray, scanLines } from './json.js';
import { scanParquet } from './parquet.js';
import type { FileRecord, UnreadableRecord } from './records.js';

/**
 * Reads the records of a file, of all files of a folder, or of those that fit a pattern such as `train/*.jsonl.gz`, one at a
 * time.
 *
 * The name of a file decides: `.jsonl` has one object per line (blank lines are skipped); `.json` is one array, or a task of
 * BIG-bench, which holds one as `examples`; `.csv` and `.tsv` have rows under a header; `.parquet` has rows in groups. All are
 * streamed: no more than one record and a few pieces of the file are in memory, or one row group. All but Parquet may be
 * compressed and end in `.gz`, or in `.zst` where Node has Zstandard. Keys named `__proto__` are left out, and `NaN` and
 * `Infinity`, which Python writes and JSON has not, are read as null.
 *
 * @throws {DataError} `unknown-extension`, `file-missing`, `file-unreadable` (also for damaged data), `bad-json`, `bad-row`,
 *   `bad-record` (an element that is not an object) or `too-large` (a record above 16 MiB, and
 *   more than 256 MiB that are more than 250 times the compressed size)
 *
 * @example
 * ```ts
 * for await (const { record, where } of readRecords('pairs.jsonl.gz')) console.log(where, record.prompt);
 * ```
 */
export async function* readRecords(path: string): AsyncGenerator<FileRecord> {
  for await (const entry of scanRecords(path)) {
    if ('error' in entry) throw entry.error;
    yield entry;
  }
}

/**
 * Reads records as `readRecords` does, and goes on after a line, an element or a row that is none.
 *
 * @throws {DataError} what concerns a file as a whole
 */
export async function* scanRecords(path: string): AsyncGenerator<FileRecord | UnreadableRecord> {
  let before = 0;
  for (const file of await dataFiles(path)) {
    let last = 0;
    for await (const entry of scanFile(file)) {
      if ('error' in entry) {
        yield entry;
        continue;
      }
      last = entry.number;
      yield before === 0 ? entry : { ...entry, number: before + entry.number };
    }
    before += last;
  }
}

function scanFile(path: string): AsyncIterable<FileRecord | UnreadableRecord> {
  if (path.endsWith('.parquet')) return scanParquet(path);
  const form = /\.(jsonl?|csv|tsv)(?:\.gz|\.zst)?$/.exec(path)?.[1];
  if (form === undefined) {
    throw new DataError(
      'unknown-extension',
      `cannot tell the form of ${path}`,
      'name the file .jsonl, .json, .csv, .tsv or .parquet after what it holds, or the first four with .gz or .zst',
    );
  }
  const bytes = bytesOf(path);
  if (form === 'json') return scanArray(path, bytes);
  if (form === 'jsonl') return scanLines(path, bytes);
  return scanRows(path, bytes, form === 'csv' ? ',' : '\t');
}
