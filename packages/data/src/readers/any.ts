import type { FileRecord } from '../files/records.js';
import type { Kind } from '../format/format.js';
import type { FormatName } from '../formats/index.js';
import type { DataRecord } from '../pipeline/record-texts.js';
import type { Reading, ReadOptions } from './options.js';
import { type Conversion, createReading } from './reading.js';

/** A record of any kind, with the objects of the file that it was read from. */
export type SourcedRecord = DataRecord & {
  /** One object, or several where the format joins records. */
  readonly source: readonly object[];
  /** Whether the values of the source are texts, as in a file of separated values. */
  readonly isText: boolean;
};

/**
 * Reads records of any kind, one at a time: whatever the format holds. Ranked responses stay one record. What `readPreferences`
 * leaves out is left out here as well.
 *
 * @throws {DataError} the errors of `readPreferences`
 */
export function readData(path: string, options: ReadOptions<FormatName> = {}): Reading<SourcedRecord> {
  const whole = (held: DataRecord, from: FileRecord): readonly SourcedRecord[] => {
    const { records } = from.record;
    const isJoined = from.count !== undefined && Array.isArray(records);
    return [{ ...held, source: isJoined ? records : [from.record], isText: from.isText ?? false }];
  };
  const conversion = {
    pair: whole,
    ranking: whole,
    list: whole,
    label: whole,
    demonstration: whole,
    prompt: whole,
    text: whole,
  } satisfies Record<Kind, unknown>;
  return createReading<SourcedRecord>(path, conversion as Conversion<SourcedRecord>, options);
}
