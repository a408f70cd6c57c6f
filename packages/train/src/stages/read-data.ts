import { basename } from 'node:path';
import { conversationKey, KeySet, type Prompt } from '@gram/base';
import {
  createPipeline,
  type DataRecord,
  dataFiles,
  describeCounts,
  describeStep,
  type Reading,
  readingNotes,
} from '@gram/data';
import { TrainError } from '../error.js';
import type { DataKind, DataOptions } from './data-kinds.js';
import { locateData } from './locate-data.js';
import { sha256OfData } from './sha256-of-data.js';
import type { StepSettings } from './step-settings.js';
import { openSteps } from './steps.js';

/** A file of records as a configuration names it. */
export interface DataSource
  extends Pick<DataOptions, 'format' | 'columns' | 'pairing' | 'maxBadRecords' | 'weights'> {
  readonly path: string;
  readonly limit?: number | undefined;
  /** Steps that the records go through. @default none */
  readonly steps?: readonly StepSettings[] | undefined;
}

/** A record that stages train on. */
export type StageRecord = Extract<DataRecord, { readonly prompt: Prompt }>;

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

/** A file that is read twice, alike. */
interface OpenedFile<Item> {
  readonly path: string;
  /** The first reading. */
  readonly reading: Reading<Item>;
  /** The items of the first reading, each with its place. */
  readonly first: AsyncIterable<Item & Placed>;
  /** Reads the items again. */
  again(): AsyncIterable<Item>;
  /** Whether the format is named. */
  readonly isNamed: boolean;
  /** All that decides which items the file gives, beside its content; complete when the first reading has ended. */
  identity(): Promise<object>;
  /** Hash of the file, or of the hashes of several. */
  sha256(): Promise<string>;
}

/**
 * Reads all records of a file once, so that a bad one is known before anything that takes long, and keeps none of them.
 *
 * @throws {TrainError} `no-data` when there are none; the errors of the readers
 */
export async function checkFile<Item extends StageRecord>(
  data: DataKind<Item>,
  { steps: declared = [], ...source }: DataSource,
  { signal, onDownload, onItem, ...options }: CheckOptions<Item>,
): Promise<CheckedFile<Item>> {
  const files: OpenedFile<Item>[] = [];
  const openFile = async (named: DataSource) => {
    const file = await openData(data, named, { ...options, signal, onDownload, at: files.length });
    files.push(file);
    return file;
  };
  const main = await openFile(source);
  const { steps, identity } = await openSteps<Item & Placed>(declared, {
    signal,
    onProgress: onDownload,
    openMixed: async ({ weight: _, ...mixed }) => {
      const file = await openFile({ weights: source.weights, ...mixed });
      return {
        items: file.first,
        identity: async () => ({ ...(await file.identity()), hash: await file.sha256() }),
      };
    },
  });
  const pipeline = createPipeline(main.first, steps);
  const kept = new KeptPlaces();
  for await (const item of pipeline) {
    onItem?.(item);
    kept.add(item);
  }
  const { format } = main.reading;
  const counts = files.map(({ reading }) => reading.counts);
  if (format === undefined || kept.size === 0) {
    const message = [
      `${source.path} gives no example: ${describeCounts(main.reading.counts)}`,
      ...pipeline.counts.map(describeStep),
    ];
    throw new TrainError('no-data', message.join('; '), 'check the file, its format and the steps');
  }
  return {
    path: source.path,
    sha256: await main.sha256(),
    reading: {
      ...(await main.identity()),
      ...(declared.length > 0 && { steps: await identity() }),
    },
    count: kept.size,
    format,
    notes: [...notesOf(files), ...pipeline.counts.map(describeStep)],
    dropped: sumOf([
      ...counts.map(({ dropped }) => dropped),
      ...pipeline.counts.map(({ dropped }) => dropped),
    ]),
    repeatedIds: counts.reduce((sum, { repeatedIds }) => sum + repeatedIds, 0),
    items: () => keptItems(files, kept),
  };
}

/** Opens a file, which is fetched if need be. `at` is its number. */
async function openData<Item extends StageRecord>(
  data: DataKind<Item>,
  { path, limit, steps: _, ...reading }: DataSource,
  { signal, onDownload, at, ...options }: Omit<CheckOptions<Item>, 'onItem'> & { readonly at: number },
): Promise<OpenedFile<Item>> {
  const local = await locateData(path, { signal, onProgress: onDownload });
  const open = () => data.read(local, { ...reading, ...options });
  const first = open();
  return {
    path,
    reading: first,
    first: placed(limited(first, limit, signal), at),
    again: () => limited(open(), limit, signal),
    isNamed: reading.format !== undefined,
    identity: async () => ({
      ...{ ...reading, ...options, limit, format: first.format },
      names: (await dataFiles(local)).map((name) => basename(name)),
    }),
    sha256: () => sha256OfData(local, signal),
  };
}

/** Notes about files for a person: about those that are mixed in with their names and counts. */
function notesOf(files: readonly Pick<OpenedFile<unknown>, 'path' | 'reading' | 'isNamed'>[]): string[] {
  return files.flatMap(({ path, reading, isNamed }, at) => {
    const notes = readingNotes(reading, isNamed);
    return at === 0
      ? notes
      : [describeCounts(reading.counts), ...notes].map((note) => `${basename(path)}: ${note}`);
  });
}

/** Reads the items again that the steps kept, in the order in which they gave them. The steps do not run again. */
async function* keptItems<Item>(
  files: readonly OpenedFile<Item>[],
  kept: KeptPlaces,
): AsyncGenerator<Item, void, undefined> {
  const readings = files.map((file) => ({ items: file.again()[Symbol.asyncIterator](), place: 0 }));
  try {
    for (const file of kept.files()) {
      const reading = readings[file];
      for (let isKept = false; reading !== undefined && !isKept; ) {
        const next = await reading.items.next();
        if (next.done) return;
        isKept = kept.has(file, reading.place++);
        if (isKept) yield next.value;
      }
    }
  } finally {
    for (const { items } of readings) await items.return?.();
  }
}

/** The place of an item among those of its file that are read, and the number of the file. */
interface Placed {
  readonly file: number;
  readonly place: number;
}

/** The first items, until the signal ends them. */
async function* limited<Item>(
  items: AsyncIterable<Item>,
  limit: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item, void, undefined> {
  let count = 0;
  for await (const item of items) {
    signal?.throwIfAborted();
    yield item;
    count++;
    if (count === limit) return;
  }
}

async function* placed<Item>(
  items: AsyncIterable<Item>,
  file: number,
): AsyncGenerator<Item & Placed, void, undefined> {
  let place = 0;
  for await (const item of items) {
    yield { ...item, file, place };
    place++;
  }
}

/** Places of items of several files, one bit each, and their order, one byte for each item. */
class KeptPlaces {
  private readonly places: PlaceSet[] = [];
  private order = new Uint8Array(1024);
  size = 0;

  add({ file, place }: Placed): void {
    if (this.size === this.order.length) {
      const longer = new Uint8Array(2 * this.order.length);
      longer.set(this.order);
      this.order = longer;
    }
    this.order[this.size++] = file;
    const places = this.places[file] ?? new PlaceSet();
    this.places[file] = places;
    places.add(place);
  }

  has(file: number, place: number): boolean {
    return this.places[file]?.has(place) ?? false;
  }

  /** The file of each item, in their order. */
  files(): Uint8Array {
    return this.order.subarray(0, this.size);
  }
}

/** Places of items, one bit each. */
class PlaceSet {
  private bits = new Uint8Array(1024);

  add(place: number): void {
    while (place >= 8 * this.bits.length) {
      const longer = new Uint8Array(2 * this.bits.length);
      longer.set(this.bits);
      this.bits = longer;
    }
    this.bits[place >> 3] = (this.bits[place >> 3] ?? 0) | (1 << (place & 7));
  }

  has(place: number): boolean {
    return ((this.bits[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
  }
}

/** Adds numbers of the same names. */
function sumOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of all.flatMap(Object.entries)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
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
