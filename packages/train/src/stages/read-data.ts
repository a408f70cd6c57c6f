import { basename } from 'node:path';
import { conversationKey, KeySet, type Prompt } from '@gram/base';
import {
  createPipeline,
  type DataRecord,
  dataFiles,
  describeCounts,
  describeStep,
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

/**
 * Reads all records of a file once, so that a bad one is known before anything that takes long, and keeps none of them.
 *
 * @throws {TrainError} `no-data` when there are none; the errors of the readers
 */
export async function checkFile<Item extends StageRecord>(
  data: DataKind<Item>,
  { path, limit, steps: declared = [], ...source }: DataSource,
  { signal, onDownload, onItem, ...options }: CheckOptions<Item>,
): Promise<CheckedFile<Item>> {
  const local = await locateData(path, { signal, onProgress: onDownload });
  const open = () => data.read(local, { ...source, ...options });
  const reading = open();
  const { steps, identity } = await openSteps<Item & Placed>(declared, { signal, onProgress: onDownload });
  const pipeline = createPipeline(placed(reading, limit, signal), steps);
  const kept = new PlaceSet();
  for await (const item of pipeline) {
    onItem?.(item);
    kept.add(item.place);
  }
  const { format, counts } = reading;
  if (format === undefined || kept.size === 0) {
    const message = [
      `${path} gives no example: ${describeCounts(counts)}`,
      ...pipeline.counts.map(describeStep),
    ];
    throw new TrainError('no-data', message.join('; '), 'check the file, its format and the steps');
  }
  // The records that the steps kept are known by now, so they do not run again.
  async function* items() {
    let left = kept.size;
    for await (const { place, ...item } of placed(open(), limit, undefined)) {
      if (!kept.has(place)) continue;
      yield item as unknown as Item; // Without its place it is what was read.
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
      ...(declared.length > 0 && { steps: identity }),
      names: (await dataFiles(local)).map((file) => basename(file)),
    },
    count: kept.size,
    format,
    notes: [...readingNotes(reading, source.format !== undefined), ...pipeline.counts.map(describeStep)],
    dropped: sumOf([counts.dropped, ...pipeline.counts.map(({ dropped }) => dropped)]),
    repeatedIds: counts.repeatedIds,
    items,
  };
}

/** The place of an item among those that are read. */
interface Placed {
  readonly place: number;
}

async function* placed<Item>(
  items: AsyncIterable<Item>,
  limit: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item & Placed> {
  let place = 0;
  for await (const item of items) {
    signal?.throwIfAborted();
    yield { ...item, place };
    place++;
    if (place === limit) return;
  }
}

/** Places of items, one bit each. */
class PlaceSet {
  private bits = new Uint8Array(1024);
  size = 0;

  add(place: number): void {
    while (place >= 8 * this.bits.length) {
      const longer = new Uint8Array(2 * this.bits.length);
      longer.set(this.bits);
      this.bits = longer;
    }
    this.bits[place >> 3] = (this.bits[place >> 3] ?? 0) | (1 << (place & 7));
    this.size++;
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
