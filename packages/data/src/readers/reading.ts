import { KeySet, quote } from '@gram/base';
import { DataError } from '../error.js';
import { scanRecords } from '../files/read-records.js';
import type { FileRecord, UnreadableRecord } from '../files/records.js';
import { checkColumns, mapColumns } from '../format/columns.js';
import type { Format, Held, HeldBy, Kind } from '../format/format.js';
import { FORMATS, type FormatName, formatsOf, isFormatName } from '../formats/index.js';
import { checkHeld, repeatsPrompt } from './checks.js';
import { joinRecords } from './join.js';
import type { DropReason, ReadCounts, Reading, ReadOptions } from './options.js';
import { formatOf, recognizeFormat } from './recognize.js';

/** Functions that make items of records, for each kind of format that a reader takes. */
export type Conversion<Item> = {
  readonly [Holds in Kind]?: (held: Held<Holds>, from: FileRecord) => readonly Item[] | DropReason;
};

/** Options of a reading: those of the readers, and whether margins are read. */
type ReadingOptions = ReadOptions & { readonly margins?: boolean | undefined };

/**
 * Makes the reading of a file.
 *
 * @throws {DataError} `unknown-format`, `bad-option`
 */
export function createReading<Item>(
  path: string,
  conversion: Conversion<Item>,
  options: ReadingOptions,
): Reading<Item> {
  const kinds = Object.keys(conversion) as Kind[]; // `Object.keys` forgets which keys an object has.
  checkOptions(options, kinds);
  return new RecordReading(path, conversion, kinds, options);
}

class RecordReading<Item> implements Reading<Item> {
  format: FormatName | undefined;
  private readonly dropped: Partial<Record<DropReason, number>> = {};
  private readonly numbers = {
    read: 0,
    kept: 0,
    items: 0,
    emptyResponses: 0,
    repeatedIds: 0,
    repeatedPrompts: 0,
  };
  private readonly ids = new KeySet();
  private readonly iterator: AsyncGenerator<Item>;

  constructor(
    path: string,
    private readonly conversion: Conversion<Item>,
    private readonly kinds: readonly Kind[],
    private readonly options: ReadingOptions,
  ) {
    this.format = options.format;
    const entries = scanRecords(path);
    // Mapped fields are those of one record.
    const joins = options.columns === undefined;
    this.iterator = this.iterate(joins ? joinRecords(entries, (from) => this.joinKey(from)) : entries);
  }

  get counts(): ReadCounts {
    return { ...this.numbers, dropped: { ...this.dropped } };
  }

  [Symbol.asyncIterator](): AsyncGenerator<Item> {
    return this.iterator;
  }

  private async *iterate(
    entries: AsyncIterable<FileRecord | UnreadableRecord>,
  ): AsyncGenerator<Item, void, undefined> {
    for await (const entry of entries) {
      const items = this.attempt(entry);
      const count = countOf(entry);
      this.numbers.read += count;
      if (typeof items === 'string') {
        this.drop(entry.where, count, items);
      } else if (items instanceof DataError) {
        this.drop(entry.where, count, 'bad-record', items);
      } else {
        this.numbers.kept += count;
        for (const item of items) {
          this.numbers.items++;
          yield item;
        }
      }
    }
  }

  /** The key of a record of a format that joins records; an unknown format is told by what reads the record. */
  private joinKey(from: FileRecord): string | undefined {
    const name = this.format ?? recognizeFormat(from, this.kinds);
    const format: Format | undefined = name === undefined ? undefined : FORMATS[name];
    if (format?.joinKey === undefined || !this.kinds.includes(format.holds)) return undefined;
    try {
      const key = format.joinKey(from);
      this.format = name;
      return key;
    } catch (error) {
      if (error instanceof DataError) return undefined;
      throw error;
    }
  }

  private drop(where: string, count: number, reason: DropReason, error?: DataError): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
    this.options.onDrop?.(where, reason, error);
  }

  /** The items of one record, why it has none, or the error of a bad record that may be left out. */
  private attempt(entry: FileRecord | UnreadableRecord): readonly Item[] | DropReason | DataError {
    try {
      if ('error' in entry) throw entry.error;
      return this.itemsOf(entry);
    } catch (error) {
      const { maxBadRecords = 0 } = this.options;
      const isOfRecord = error instanceof DataError && SKIPPED.has(error.code);
      if (!isOfRecord || maxBadRecords === 0) throw error;
      const before = this.dropped['bad-record'] ?? 0;
      if (before + countOf(entry) <= maxBadRecords) return error;
      const hint = `${error.hint}; ${before} bad records were left out before, and maxBadRecords allows more`;
      throw new DataError(error.code, error.message, hint, { cause: error });
    }
  }

  private itemsOf(found: FileRecord): readonly Item[] | DropReason {
    const { columns, degenerate = 'drop' } = this.options;
    const from = columns === undefined ? found : mapColumns(found, columns);
    this.format ??= formatOf(from, this.kinds);
    const checked = checkHeld(readHeld(from, this.format, this.options), from, degenerate);
    if (typeof checked === 'string') return checked;
    const { held, emptyResponses } = checked;
    // A format holds what its kind says, and `checkOptions` and `formatOf` see to the kind.
    const convert = this.conversion[FORMATS[this.format].holds] as Convert<Item>;
    const items = convert(held, from);
    if (typeof items === 'string') return items;
    this.numbers.emptyResponses += emptyResponses;
    this.numbers.repeatedIds += this.ids.add(held.id) ? 0 : 1;
    this.numbers.repeatedPrompts += repeatsPrompt(held) ? 1 : 0;
    return items;
  }
}

/** Number of records of the file that an entry stands for. */
function countOf(entry: FileRecord | UnreadableRecord): number {
  return 'error' in entry ? 1 : (entry.count ?? 1);
}

type Convert<Item> = (held: HeldBy, from: FileRecord) => readonly Item[] | DropReason;

/** Codes of errors that concern one record and not the file. */
const SKIPPED: ReadonlySet<string> = new Set(['bad-record', 'bad-json', 'bad-row', 'too-large']);

/** Reads a record; the error of a record that fits another format names that. */
function readHeld(
  from: FileRecord,
  name: FormatName,
  { margins = false }: { readonly margins?: boolean | undefined },
): HeldBy | 'tie' {
  const format: Format = FORMATS[name];
  try {
    const held = format.read(from);
    if (held === 'tie' || format.holds !== 'pair' || !margins) return held;
    const margin = format.margin?.(from);
    return { ...held, ...(margin !== undefined && { margin }) };
  } catch (error) {
    if (!(error instanceof DataError) || error.code !== 'bad-record') throw error;
    const other = recognizeFormat(from, [format.holds]);
    if (other === undefined || other === name) throw error;
    const hint = `repair the record, or use the format ${other}, which its fields fit, in the place of ${name}`;
    throw new DataError('bad-record', error.message, hint, { cause: error });
  }
}

function checkOptions({ format, columns, maxBadRecords = 0 }: ReadOptions, kinds: readonly Kind[]): void {
  if (columns !== undefined) checkColumns(columns);
  if (!Number.isSafeInteger(maxBadRecords) || maxBadRecords < 0) {
    throw new DataError(
      'bad-option',
      `maxBadRecords is ${maxBadRecords}`,
      'give the number of bad records that may be left out, 0 or more',
    );
  }
  if (format === undefined) return;
  if (isFormatName(format) && kinds.includes(FORMATS[format].holds)) return;
  throw new DataError(
    'unknown-format',
    isFormatName(format)
      ? `the format ${format}, ${FORMATS[format].fields}, does not hold what is read`
      : `there is no format ${quote(format)}`,
    `use ${formatsOf(kinds).join(', ')}`,
  );
}
