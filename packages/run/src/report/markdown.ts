import { oneLine } from '@gram/report';

/**
 * Foreign text as a code span of Markdown, on one line and without control characters: nothing in it is markup, a link or
 * a mention. The fence is longer than any run of backticks in the text.
 */
export function code(text: string): string {
  const line = oneLine(text).trim();
  if (line === '') return '(empty)';
  const runs = [...line.matchAll(/`+/g)].map(([run]) => run.length);
  const fence = '`'.repeat(Math.max(0, ...runs) + 1);
  // A backtick at an end would join the fence; one space at both ends is taken away again.
  const space = /^`|`$/.test(line) ? ' ' : '';
  return `${fence}${space}${line}${space}${fence}`;
}

/** A table. A vertical bar would end a cell, within a code span too. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => ('code' in cell ? code(cell.code) : cell.text).replaceAll('|', '\\|')),
  );
  const line = (parts: readonly string[]) => `| ${parts.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...cells.map(line)].join('\n');
}

/** Foreign text, or words of our own. */
export type Cell = { readonly code: string } | { readonly text: string };
