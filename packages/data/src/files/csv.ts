import { quote } from '@gram/base';
import { DataError } from '../error.js';
import type { FileRecord, UnreadableRecord } from './records.js';

/** Longest row, in UTF-16 units. */
const ROW_LIMIT = 16 * 2 ** 20;

const NEWLINE = 10;

/** A row of cells, and the line on which it begins. */
interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

/**
 * Reads the rows of a file of separated values as records whose fields are named by the first row. Cells may stand in double
 * quotes, in which a quote is written twice and separators and line breaks mean nothing (RFC 4180). Blank lines are skipped; a
 * cell without any character is missing.
 *
 * @throws {DataError} `bad-row` for a header with an empty or a repeated name, and for a quote that nothing closes
 */
export async function* scanRows(
  path: string,
  chunks: AsyncIterable<Buffer>,
  separator: ',' | '\t',
): AsyncGenerator<FileRecord | UnreadableRecord> {
  let header: readonly string[] | undefined;
  let number = 0;
  for await (const row of rowsOf(path, chunks, separator)) {
    if (header === undefined) {
      header = headerOf(path, row.cells);
      continue;
    }
    const where = `${path} line ${row.line}`;
    number++;
    if (row.cells.length === header.length) {
      yield { record: recordOf(header, row.cells), number, where, isText: true };
      continue;
    }
    const message = `${where} has ${row.cells.length} cells and the header has ${header.length}`;
    const error = new DataError('bad-row', message, 'put cells with separators or line breaks in quotes');
    yield { where, error };
  }
}

function headerOf(path: string, cells: readonly string[]): readonly string[] {
  const names = cells.map((cell) => cell.trim());
  const bad = names.find((name, at) => name === '' || names.indexOf(name) !== at);
  if (bad === undefined) return names;
  throw new DataError(
    'bad-row',
    `the header of ${path} has the name ${quote(bad)}${bad === '' ? '' : ' twice'}`,
    'name each column once in the first line',
  );
}

function recordOf(header: readonly string[], cells: readonly string[]): Readonly<Record<string, unknown>> {
  const entries = header.map((name, at) => [name, cells[at]] as const);
  return Object.fromEntries(entries.filter(([name, cell]) => cell !== '' && name !== '__proto__'));
}

async function* rowsOf(path: string, chunks: AsyncIterable<Buffer>, separator: string): AsyncGenerator<Row> {
  const scanner = new RowScanner(path, separator);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Buffer) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (cause) {
      throw new DataError('bad-row', `${path} is not UTF-8`, 'save the file as UTF-8', { cause });
    }
  };
  for await (const chunk of chunks) yield* scanner.push(decode(chunk));
  yield* scanner.push(decode());
  yield* scanner.end();
}

/** Cuts text into rows, wherever its pieces end. */
class RowScanner {
  private cells: string[] = [];
  private cell = '';
  private line = 1;
  private start = 1;
  private length = 0;
  /** State of the scanner: before a cell, in a plain one, in quotes, or after a quote that may close them. */
  private place: 'before' | 'plain' | 'quoted' | 'after' = 'before';

  constructor(
    private readonly path: string,
    private readonly separator: string,
  ) {}

  *push(text: string): Generator<Row> {
    let at = 0;
    while (at < text.length) {
      const run = this.runAt(text, at);
      if (run > at) {
        this.add(text.slice(at, run));
        at = run;
        continue;
      }
      const character = text.charAt(at);
      at++;
      if (character === '"' && this.place !== 'plain') this.quote();
      else if (character === this.separator) {
        this.cells.push(this.cell);
        this.cell = '';
        this.length++;
        this.place = 'before';
      } else if (character === '\n') {
        if (this.place === 'plain' && this.cell.endsWith('\r')) this.cell = this.cell.slice(0, -1);
        yield* this.finishRow();
        this.line++;
        this.start = this.line;
      } else if (character !== '\r' || this.place === 'plain') {
        this.place = 'plain';
        this.add(character);
      }
    }
  }

  /** The end of the characters from a place on that mean nothing but themselves. */
  private runAt(text: string, at: number): number {
    if (this.place === 'quoted') {
      const end = text.indexOf('"', at);
      return end < 0 ? text.length : end;
    }
    if (this.place !== 'plain') return at;
    let end = at;
    while (end < text.length && text.charCodeAt(end) !== NEWLINE && text.charAt(end) !== this.separator)
      end++;
    return end;
  }

  /** A quote opens quotes, closes them, or is the second of two that stand for one. */
  private quote(): void {
    if (this.place === 'quoted') {
      this.place = 'after';
      return;
    }
    if (this.place === 'after') this.add('"');
    this.place = 'quoted';
  }

  *end(): Generator<Row> {
    if (this.place === 'quoted') {
      throw new DataError(
        'bad-row',
        `a quote of the row at line ${this.start} of ${this.path} is not closed`,
        'close it, or write quotes inside of a cell twice',
      );
    }
    yield* this.finishRow();
  }

  private *finishRow(): Generator<Row> {
    const isBlank = this.cells.length === 0 && this.cell === '' && this.place === 'before';
    const row = { cells: [...this.cells, this.cell], line: this.start };
    this.cells = [];
    this.cell = '';
    this.length = 0;
    this.place = 'before';
    if (!isBlank) yield row;
  }

  private add(run: string): void {
    if (this.place === 'quoted')
      for (let at = run.indexOf('\n'); at >= 0; at = run.indexOf('\n', at + 1)) this.line++;
    this.cell += run;
    this.length += run.length;
    if (this.length <= ROW_LIMIT) return;
    const message = `the row at line ${this.start} of ${this.path} is longer than ${ROW_LIMIT / 2 ** 20} Mi characters`;
    throw new DataError('too-large', message, 'close its quotes, or split it');
  }
}
