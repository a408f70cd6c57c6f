import type { DataError } from '../error.js';
import type { Columns } from '../format/columns.js';
import type { FormatName } from '../formats/index.js';

/** The reason why a record gives nothing. */
export type DropReason =
  | 'tie'
  | 'equal-responses'
  | 'empty-prompt'
  | 'empty-response'
  | 'not-good'
  | 'bad-record';

/** Options of the readers. */
export interface ReadOptions<Name extends FormatName = FormatName> {
  /** Format of the records. @default the one that the fields of the first record fit */
  readonly format?: Name | undefined;
  /** Where a file has the fields, if under other names than its format. Only these fields are read. */
  readonly columns?: Columns | undefined;
  /**
   * Largest number of records that cannot be read and are left out; with one more, reading stops.
   *
   * @default 0, which stops at the first
   */
  readonly maxBadRecords?: number | undefined;
  /** Whether a record with an empty prompt or response, or with two equal responses, is left out or is a bad one. @default 'drop' */
  readonly degenerate?: 'drop' | 'error' | undefined;
  /** Receives each record that is left out, with its place, the reason and, for a bad record, the error. */
  readonly onDrop?: ((where: string, reason: DropReason, error?: DataError) => void) | undefined;
}

/** Counts of the records that a reader has met so far. */
export interface ReadCounts {
  /** Number of records, which is `kept` and all of `dropped` together. */
  readonly read: number;
  /** Number of records that gave something. */
  readonly kept: number;
  /** Number of records that gave nothing, by the reason. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** Number of items; a record with many responses gives several. */
  readonly items: number;
  /** Number of empty responses that were left out of the lists of records that were kept. */
  readonly emptyResponses: number;
  /** Number of records with an id that an earlier record has. */
  readonly repeatedIds: number;
  /** Number of records whose responses all begin with the prompt, which then stands twice. */
  readonly repeatedPrompts: number;
}

/** Items of a file as they are read, once. */
export interface Reading<Item> extends AsyncIterable<Item> {
  /** Format of the file; undefined until the first record is read, unless it was named. */
  readonly format: FormatName | undefined;
  /** Counts so far; they add up at any time. */
  readonly counts: ReadCounts;
}
