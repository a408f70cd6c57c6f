import { ReportError } from './error.js';
import { formatNumber } from './text/format.js';
import { displayWidth, oneLine } from './text/width.js';

/** A column of a table. */
export interface Column {
  name: string;
  /** @default `right` if every cell of the column is a number, else `left` */
  align?: 'left' | 'right';
  /**
   * Whether the cells are texts of several words or lines, which a page gives room and writes in the direction of their script.
   * A phone shows the rows of such a table one below the other. `textTable` makes no difference.
   *
   * @default false
   */
  isText?: boolean;
}

/** A table: rows with one cell for each column. Numbers are shown with four significant digits, strings as they are. */
export interface Table {
  columns: Column[];
  rows: (string | number)[][];
  /** Caption of the table; `textTable` leaves it out. */
  caption?: string;
}

/**
 * Returns the alignment of each column and the text of each cell.
 *
 * @throws {ReportError} `bad-table` if a row has not one cell for each column.
 */
export function layOut(table: Table): { aligns: ('left' | 'right')[]; cells: string[][] } {
  const { columns, rows } = table;
  rows.forEach((row, index) => {
    if (row.length === columns.length) return;
    throw new ReportError(
      'bad-table',
      `row ${index + 1} of the table has ${row.length} cells for ${columns.length} columns`,
      'give each row one cell for each column; an empty string leaves a cell blank',
    );
  });
  const aligns = columns.map(
    (column, at) =>
      column.align ??
      (rows.length > 0 && rows.every((row) => typeof row[at] === 'number') ? 'right' : 'left'),
  );
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? formatNumber(cell) : cell)));
  return { aligns, cells };
}

/**
 * Lays a table out as aligned plain text: a header, a rule, one line a row, two spaces between columns, no newline at the end.
 *
 * @throws {ReportError} `bad-table` if a row has not one cell for each column.
 */
export function textTable(table: Table): string {
  const { aligns, cells } = layOut(table);
  const names = table.columns.map((column) => oneLine(column.name));
  const lines = [names, ...cells.map((row) => row.map(oneLine))];
  const widths = names.map((_, at) => Math.max(...lines.map((line) => displayWidth(line[at] ?? ''))));
  const pad = (text: string, at: number) => {
    const space = ' '.repeat((widths[at] ?? 0) - displayWidth(text));
    return aligns[at] === 'right' ? space + text : text + space;
  };
  const [header, ...body] = lines.map((line) => line.map(pad).join('  ').trimEnd());
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [header, rule, ...body].join('\n');
}
