import { type FileHandle, open, readFile } from 'node:fs/promises';
import { sha256OfParts } from '@gram/base';
import type { BenchmarkItem } from '../benchmark/item.js';
import type { BenchmarkResult, ComparedPair } from '../benchmark/judged-item.js';
import type { BenchmarkName } from '../benchmarks/benchmarks.js';
import { RewardError } from '../comparator/error.js';
import { type BenchmarkRun, resumePoint, scoredResult } from './run.js';

/** Identity that all results of one run share. */
export type BenchmarkFingerprint = Readonly<Record<string, string | number>>;

/** A file of results that is being written. */
export interface ResultsFile {
  /** Results of an earlier run from which this one continues. */
  readonly done: readonly BenchmarkResult[];
  /** Appends results; they are on the disk when the promise resolves. */
  append(results: readonly BenchmarkResult[]): Promise<void>;
  close(): Promise<void>;
}

const LINE_FEED = '\n';

/**
 * Describes what a run measures: the items with their order, and the judge.
 *
 * @param judge everything that its answers depend on, such as the hash of the model
 */
export function benchmarkFingerprint(
  { name, items }: BenchmarkRun,
  judge: BenchmarkFingerprint,
): BenchmarkFingerprint {
  const data = sha256OfParts(items.map((item) => `${JSON.stringify(item)}\n`));
  return { benchmark: name, items: items.length, data, ...judge };
}

/**
 * Opens a file of results: a line with the fingerprint, then one for each item in the order of the benchmark. What a run can
 * continue from of an earlier one is kept; a line that was cut off by the end of the process is dropped, and so are those of a
 * group of items that was not whole.
 *
 * @throws RewardError `other-run` where the file holds results of something else, `bad-results`, `unwritable`
 */
export async function openResults(
  path: string,
  fingerprint: BenchmarkFingerprint,
  benchmark: BenchmarkRun,
): Promise<ResultsFile> {
  const old = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    throw unwritable(path, cause);
  });
  const { kept, done } = readOld({ path, text: old }, fingerprint, benchmark);
  const start = kept.map((line) => line + LINE_FEED).join('');
  const handle = await open(path, old === '' ? 'w' : 'r+').catch((cause: Error) => {
    throw unwritable(path, cause);
  });
  let end = Buffer.byteLength(start);
  await write(handle, path, start.slice(old.startsWith(start) ? start.length : 0), 0);
  await handle.truncate(end);
  return {
    done,
    async append(results) {
      const text = results.map((result) => JSON.stringify(result) + LINE_FEED).join('');
      end += await write(handle, path, text, end);
    },
    close: () => handle.close(),
  };
}

/** The lines of an earlier run that are kept, the fingerprint first, and the results in them. */
function readOld(
  { path, text }: { readonly path: string; readonly text: string },
  fingerprint: BenchmarkFingerprint,
  { name, items }: BenchmarkRun,
): { kept: string[]; done: BenchmarkResult[] } {
  // What follows the last line feed was cut off, even where it happens to be JSON.
  const [header, ...lines] = text.split(LINE_FEED).slice(0, -1);
  // A run that failed before its first result leaves nothing that another one could go on from by mistake.
  const isEmpty = header === undefined || (lines.length === 0 && fingerprintOf(header) !== undefined);
  if (isEmpty) return { kept: [JSON.stringify({ fingerprint })], done: [] };
  checkHeader(path, header, fingerprint);
  if (lines.length > items.length) throw badLine(path, items.length + 2);
  const kept = lines.slice(0, resumePoint(items, lines.length));
  const done = kept.map((line, at) => {
    const item = items[at];
    const result = item === undefined ? undefined : readResult(name, line, item);
    if (result === undefined) throw badLine(path, at + 2);
    return result;
  });
  return { kept: [header, ...kept], done };
}

async function write(handle: FileHandle, path: string, text: string, at: number): Promise<number> {
  const bytes = Buffer.from(text);
  try {
    let written = 0;
    while (written < bytes.length) {
      written += (await handle.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
    }
    await handle.datasync();
  } catch (cause) {
    throw unwritable(path, cause as Error);
  }
  return bytes.length;
}

/** The fingerprint in the first line of a file of results; undefined for the line of another file. */
function fingerprintOf(line: string): object | undefined {
  const found = (parse(line) as { fingerprint?: unknown } | undefined)?.fingerprint;
  return typeof found === 'object' && found !== null ? found : undefined;
}

function checkHeader(path: string, line: string, wanted: BenchmarkFingerprint): void {
  const found = fingerprintOf(line);
  if (found === undefined) {
    const message = `${path} holds no results of gram eval --benchmark`;
    throw new RewardError('bad-results', message, 'choose another folder');
  }
  const known = new Map<string, unknown>(Object.entries(found));
  const other = Object.entries(wanted).filter(([name, value]) => known.get(name) !== value);
  if (other.length === 0) return;
  throw new RewardError(
    'other-run',
    `${path} holds results of a run that differs in: ${other.map(([name]) => name).join(', ')}`,
    'choose another folder, or delete this one to start anew',
  );
}

/** Reads a result as it was written; undefined for anything else. What follows from the comparisons is computed again. */
function readResult(name: BenchmarkName, line: string, item: BenchmarkItem): BenchmarkResult | undefined {
  const value = parse(line) as Partial<BenchmarkResult> | undefined;
  const { id, responses, pairs } = item;
  if (value?.id !== id || value.lengths?.length !== responses.length) return undefined;
  if (!Array.isArray(value.comparisons) || value.comparisons.length !== pairs.length) return undefined;
  const fits = value.comparisons.every((compared, at) => fitsPair(compared, pairs[at]));
  return fits ? scoredResult(name, item, value as BenchmarkResult) : undefined;
}

function fitsPair(compared: Partial<ComparedPair>, pair: readonly [number, number] | undefined): boolean {
  const { probability, orders, consistent } = compared;
  return (
    compared.pair?.[0] === pair?.[0] &&
    compared.pair?.[1] === pair?.[1] &&
    [probability, ...(orders ?? [])].every((p) => typeof p === 'number' && p >= 0 && p <= 1) &&
    (orders === undefined || orders.length === 2) &&
    typeof consistent === 'boolean'
  );
}

function parse(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function badLine(path: string, number: number): RewardError {
  const message = `${path} line ${number} is no result of this benchmark`;
  return new RewardError('bad-results', message, 'delete the folder to start anew');
}

function unwritable(path: string, cause: Error): RewardError {
  const hint = 'choose a folder that you may write to';
  return new RewardError('unwritable', `cannot write ${path}: ${cause.message}`, hint, { cause });
}
