import { basename } from 'node:path';
import { conversationKey, KeySet, type Prompt, sha256OfFile, sha256OfValue } from '@gram/base';
import { dataFiles, describeCounts, readingNotes } from '@gram/data';
import { TrainError } from '../error.js';
import type { DataKind, DataOptions } from './data-kinds.js';
import { locateData } from './locate-data.js';

/** A file of records as a configuration names it. */
export interface DataSource extends Pick<DataOptions, 'format' | 'columns' | 'pairing' | 'maxBadRecords'> {
  readonly path: string;
  readonly limit?: number | undefined;
}

/** Options of `checkFile`. */
export interface CheckOptions<Item> extends Pick<DataOptions, 'seed' | 'margins' | 'degenerate'> {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that were fetched so far, and those of all files. */
  readonly onDownload?: ((done: number, total: number) => void) | undefined;
  /** Looks at each item. */
  readonly onItem?: ((item: Item) => void) | undefined;
}

/** A file whose records were all read once, of which none is in memory. */
export interface CheckedFile<Item> {
  readonly path: string;
  /** Hash of the file, or of the hashes of several. */
  readonly sha256: string;
  /** All that decides which items the file gives, beside its content. */
  readonly reading: object;
  /** Number of items. */
  readonly count: number;
  /** Format of the file, named or recognized. */
  readonly format: string;
  /** Notes on the file for people, in sentences. */
  readonly notes: readonly string[];
  /** Numbers of records that gave no item, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Number of records whose id an earlier one has. */
  readonly repeatedIds: number;
  /** Reads the items again, one at a time. */
  items(): AsyncIterable<Item>;
}

/**
 * Reads all records of a file once, so that a bad one is known before anything that takes long, and keeps none of them.
 *
 * @throws {TrainError} `no-data` when there are none; the errors of the readers
 */
export async function checkFile<Item extends { readonly prompt: Prompt }>(
  data: DataKind<Item>,
  { path, limit, ...source }: DataSource,
  { signal, onDownload, onItem, ...options }: CheckOptions<Item>,
): Promise<CheckedFile<Item>> {
  const local = await locateData(path, { signal, onProgress: onDownload });
  const open = () => data.read(local, { ...source, ...options });
  const reading = open();
  let count = 0;
  for await (const item of reading) {
    signal?.throwIfAborted();
    onItem?.(item);
    count++;
    if (count === limit) break;
  }
  const { format, counts } = reading;
  if (format === undefined || count === 0) {
    const message = `${path} gives no example: ${describeCounts(counts)}`;
    throw new TrainError('no-data', message, 'check the file and its format');
  }
  async function* items() {
    let left = count;
    for await (const item of open()) {
      yield item;
      left--;
      if (left === 0) return;
    }
  }
  return {
    path,
    sha256: await sha256OfData(local, signal),
    reading: {
      ...source,
      ...options,
      limit,
      format,
      names: (await dataFiles(local)).map((file) => basename(file)),
    },
    count,
    format,
    notes: readingNotes(reading, source.format !== undefined),
    dropped: counts.dropped,
    repeatedIds: counts.repeatedIds,
    items,
  };
}

/** Hashes a file; for several, hashes their hashes. */
async function sha256OfData(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hashes: string[] = [];
  for (const file of await dataFiles(path)) hashes.push(await sha256OfFile(file, signal));
  const [only] = hashes;
  return only !== undefined && hashes.length === 1 ? only : sha256OfValue(hashes);
}

/** Counts how many records have the prompt of one that was seen before. */
export class PromptCount {
  private readonly seen = new KeySet();
  shared = 0;

  see({ prompt }: { readonly prompt: Prompt }): void {
    this.seen.add(conversationKey(prompt));
  }

  count({ prompt }: { readonly prompt: Prompt }): void {
    if (this.seen.has(conversationKey(prompt))) this.shared++;
  }
}

/** Lists the texts of records. */
export async function* textsOf<Item extends { readonly prompt: Prompt }>(
  data: DataKind<Item>,
  items: AsyncIterable<Item>,
): AsyncGenerator<string> {
  for await (const item of items) yield* data.texts(item);
}
