import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, sha256OfFile } from '@gram/base';
import type { BenchmarkItem, BenchmarkName } from '@gram/data';
import { type BenchmarkResult, correctness, resumePoint } from '@gram/reward';
import { CliError } from '../error.js';
import type { JudgeSettings } from '../models/load-judge.js';

/** What results must have in common to belong to one run. */
export type Fingerprint = Readonly<Record<string, string | number>>;

/** A file of results that is being written. */
export interface ResultsFile {
  /** What an earlier run left that can be gone on from. */
  readonly done: readonly BenchmarkResult[];
  /** Appends results; they are on the disk when the promise resolves. */
  append(results: readonly BenchmarkResult[]): Promise<void>;
  close(): Promise<void>;
}

/** Files of a model directory that decide what it answers. */
const DECIDING = /\.(json|safetensors|gguf|jinja)$/;
const LINE_FEED = '\n';

/** Says what is measured: the model, how it is asked, and the items with their order. */
export async function fingerprintOf(
  name: BenchmarkName,
  items: readonly BenchmarkItem[],
  { source, judgePrompt, precision, overlong, orders, positionBiasBound }: JudgeSettings,
  signal: AbortSignal,
): Promise<Fingerprint> {
  const ofItems = createHash('sha256');
  for (const item of items) ofItems.update(`${JSON.stringify(item)}\n`);
  const hash = createHash('sha256');
  for (const path of await decidingFiles(source)) {
    hash.update(`${path.slice(source.length)} ${await sha256OfFile(path, signal)}\n`);
  }
  const asked = judgePrompt === undefined ? 'as the model says' : sha256(JSON.stringify(judgePrompt));
  return {
    benchmark: name,
    items: items.length,
    data: ofItems.digest('hex'),
    model: hash.digest('hex'),
    'judge prompt': asked,
    precision,
    orders: positionBiasBound === undefined ? orders : `2 where they may differ by ${positionBiasBound}`,
    'long text': overlong,
  };
}

async function decidingFiles(source: string): Promise<string[]> {
  if (!(await stat(source)).isDirectory()) return [source];
  const names = await readdir(source);
  return names
    .filter((name) => DECIDING.test(name))
    .map((name) => join(source, name))
    .sort();
}

/**
 * Opens a file of results: a line with the fingerprint, then one for each item in the order of the benchmark. Of an earlier run
 * it keeps what a run can go on from; a line that was cut off by the end of the process goes, and so do those of a group of
 * items that was not whole.
 *
 * @throws CliError `exists` where the file holds results of something else, `bad-file`, `unwritable`
 */
export async function openResults(
  path: string,
  fingerprint: Fingerprint,
  items: readonly BenchmarkItem[],
): Promise<ResultsFile> {
  const old = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    throw unwritable(path, cause);
  });
  // What follows the last line feed was cut off, even where it happens to be JSON.
  const lines = old.split(LINE_FEED).slice(0, -1);
  const header = JSON.stringify({ fingerprint });
  if (lines.length === 0) lines.push(header);
  else checkHeader(path, lines[0]!, fingerprint);
  if (lines.length - 1 > items.length) throw badLine(path, items.length + 2);
  const whole = resumePoint(items, lines.length - 1);
  const kept = lines.slice(0, whole + 1);
  const done = kept.slice(1).map((line, at) => {
    const result = readResult(fingerprint.benchmark as BenchmarkName, line, items[at]!);
    if (result === undefined) throw badLine(path, at + 2);
    return result;
  });
  const start = kept.map((line) => line + LINE_FEED).join('');
  const handle = await open(path, old === '' ? 'w' : 'r+').catch((cause) =>
    Promise.reject(unwritable(path, cause)),
  );
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

function checkHeader(path: string, line: string, wanted: Fingerprint): void {
  const found = (parse(line) as { fingerprint?: unknown } | undefined)?.fingerprint;
  if (typeof found !== 'object' || found === null) {
    throw new CliError(
      'bad-file',
      `${path} holds no results of gram eval --benchmark`,
      'choose another --out',
    );
  }
  const said = new Map<string, unknown>(Object.entries(found));
  const other = Object.entries(wanted).filter(([name, value]) => said.get(name) !== value);
  if (other.length === 0) return;
  throw new CliError(
    'exists',
    `${path} holds results of a run that differs in: ${other.map(([name]) => name).join(', ')}`,
    'choose another --out, or delete that folder to start anew',
  );
}

/** A result as it was written; undefined for anything else. What follows from the comparisons is computed again. */
function readResult(name: BenchmarkName, line: string, item: BenchmarkItem): BenchmarkResult | undefined {
  const value = parse(line) as Partial<BenchmarkResult> | undefined;
  const { id, subset, preferred, correctResponses, responses, pairs } = item;
  if (value?.id !== id || value.lengths?.length !== responses.length) return undefined;
  if (!Array.isArray(value.comparisons) || value.comparisons.length !== pairs.length) return undefined;
  const fits = value.comparisons.every(
    ({ pair, probability, orders, consistent }, at) =>
      pair?.[0] === pairs[at]![0] &&
      pair[1] === pairs[at]![1] &&
      [probability, ...(orders ?? [])].every((p) => typeof p === 'number' && p >= 0 && p <= 1) &&
      (orders === undefined || orders.length === 2) &&
      typeof consistent === 'boolean',
  );
  if (!fits) return undefined;
  const { comparisons, lengths, truncated } = value as BenchmarkResult;
  const judged = {
    preferred,
    ...(correctResponses !== undefined && { correctResponses }),
    lengths,
    comparisons,
  };
  return { id, subset, correct: correctness(name, { subset, ...judged }), ...judged, truncated };
}

function parse(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function badLine(path: string, number: number): CliError {
  return new CliError(
    'bad-file',
    `${path} line ${number} is no result of this benchmark`,
    'delete the folder to start anew',
  );
}

function unwritable(path: string, cause: Error): CliError {
  return new CliError(
    'unwritable',
    `can not write ${path}: ${cause.message}`,
    'choose an --out that you may write to',
    {
      cause,
    },
  );
}
