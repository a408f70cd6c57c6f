import { conversationKey, type Prompt } from '@gram/base';
import { describeCounts, readingNotes } from '@gram/data';
import { TrainError } from '../error.js';
import type { DataKind, DataOptions } from './data-kinds.js';

/** A file of records as a configuration names it. */
export interface DataSource extends Pick<DataOptions, 'format' | 'columns' | 'pairing' | 'maxBadRecords'> {
  readonly path: string;
  readonly limit?: number | undefined;
}

/** Options of `readItems`. */
export interface ReadItemsOptions extends Pick<DataOptions, 'seed' | 'margins' | 'degenerate'> {
  readonly signal?: AbortSignal | undefined;
}

/** Records of one file in memory, and what is to be said about it. */
export interface ReadItems<Item> {
  readonly items: readonly Item[];
  readonly path: string;
  /** Format of the file, named or recognized. */
  readonly format: string;
  /** Notes on the file for people, in sentences. */
  readonly notes: readonly string[];
  /** Numbers of records that gave no item, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Number of records whose id an earlier one has. */
  readonly repeatedIds: number;
}

/**
 * Reads the records of a file into memory.
 *
 * @throws {TrainError} `no-data` when there are none; the errors of the readers
 */
export async function readItems<Item extends { readonly id: string }>(
  data: DataKind<Item & { readonly prompt: Prompt }>,
  { path, limit, ...source }: DataSource,
  { signal, ...options }: ReadItemsOptions,
): Promise<ReadItems<Item & { readonly prompt: Prompt }>> {
  const reading = data.read(path, { ...source, ...options });
  const items = [];
  for await (const item of reading) {
    signal?.throwIfAborted();
    items.push(item);
    if (items.length === limit) break;
  }
  const { format, counts } = reading;
  if (format === undefined || items.length === 0) {
    const message = `${path} gives no example: ${describeCounts(counts)}`;
    throw new TrainError('no-data', message, 'check the file and its format');
  }
  const notes = readingNotes(reading, source.format !== undefined);
  return { items, path, format, notes, dropped: counts.dropped, repeatedIds: counts.repeatedIds };
}

/** Counts the held-out records with a prompt that is trained on. */
export function sharedPrompts(
  items: readonly { readonly prompt: Prompt }[],
  heldOut: readonly { readonly prompt: Prompt }[],
): number {
  const prompts = new Set(items.map(({ prompt }) => conversationKey(prompt)));
  return heldOut.filter(({ prompt }) => prompts.has(conversationKey(prompt))).length;
}

/** Lists the texts of records. */
export function* textsOf<Item extends { readonly prompt: Prompt }>(
  data: DataKind<Item>,
  items: readonly Item[],
): Generator<string> {
  for (const item of items) yield* data.texts(item);
}
