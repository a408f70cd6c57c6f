import type { DataError } from '../error.js';

/** An object of a file, whose fields are not checked. */
export interface FileRecord {
  readonly record: Readonly<Record<string, unknown>>;
  /** Position among the records that are read, counted from 1: the line of a JSONL file or the element of a JSON array. */
  readonly number: number;
  /** The file and the position, for messages. */
  readonly where: string;
  /** The object as the file has it, where its fields were mapped. */
  readonly unmapped?: Readonly<Record<string, unknown>>;
  /** Names in the file of fields that were mapped, by the names under which they are read. */
  readonly sources?: Readonly<Record<string, string>>;
  /** Whether all values are texts, as in a file of separated values. */
  readonly isText?: boolean;
  /** Number of records of the file that were joined to this one. @default 1 */
  readonly count?: number;
}

/** A place of a file that holds no record, and the error that says why. */
export interface UnreadableRecord {
  readonly where: string;
  readonly error: DataError;
}
