import { conversationKey, type Prompt } from '@gram/base';
import { TrainError } from '../error.js';
import type { DataKind } from './data-kinds.js';

/** A file of records as a configuration names it. */
export interface DataSource {
  readonly path: string;
  readonly format: string;
  readonly limit?: number | undefined;
}

/** Options of `readItems`. */
export interface ReadItemsOptions {
  readonly seed: number;
  /** Treatment of a record whose responses are equal, see `EncodeOptions`. */
  readonly degenerate: 'drop' | 'error';
  readonly signal?: AbortSignal | undefined;
}

/** Records of one file in memory, and what is to be said about it. */
export interface ReadItems<Item> {
  readonly items: readonly Item[];
  /** Numbers of records that gave no item, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Number of items whose id an earlier one has. */
  readonly repeatedIds: number;
}

/**
 * Reads the records of a file into memory.
 *
 * @throws {TrainError} `no-data` when there are none, or one that the options refuse; the errors of the readers
 */
export async function readItems<Item extends { readonly id: string }>(
  data: DataKind<Item & { readonly prompt: Prompt }>,
  { path, format, limit }: DataSource,
  { seed, degenerate, signal }: ReadItemsOptions,
): Promise<ReadItems<Item & { readonly prompt: Prompt }>> {
  const dropped: Record<string, number> = {};
  const onDrop = (where: string, reason: string) => {
    if (degenerate === 'error' && reason === 'equal-responses') {
      throw new TrainError(
        'no-data',
        `${where} has two equal responses`,
        'correct or remove it, or set degenerate to "drop" to leave such records out',
      );
    }
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  };
  const items = [];
  const ids = new Set<string>();
  for await (const item of data.read(path, format, { seed, onDrop })) {
    signal?.throwIfAborted();
    items.push(item);
    ids.add(item.id);
    if (items.length === limit) break;
  }
  if (items.length > 0) return { items, dropped, repeatedIds: items.length - ids.size };
  throw new TrainError('no-data', `${path} gives no record`, 'check the file and its format');
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
