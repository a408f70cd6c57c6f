import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { settingReference } from './training-reference.js';

const readme = fileURLToPath(new URL('../../README.md', import.meta.url));
const [begin, end] = ['<!-- settings: written by reference.test.ts -->', '<!-- end of settings -->'];

/** The table as it stands in the README, padded as its formatter pads it. */
function table(): string {
  const rows = settingReference().map(({ key, usual, meaning }) => [
    `\`${key}\``,
    usual ?? 'required',
    meaning,
  ]);
  const all = [['setting', 'default', 'meaning'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(['setting', 'default', 'meaning']), line(rule), ...rows.map(line)].join('\n');
}

it('describes every setting in a few words', () => {
  for (const { key, meaning } of settingReference()) {
    expect(meaning, key).not.toBe('');
    expect(meaning.length, key).toBeLessThanOrEqual(120);
  }
});

it('is the table of the README; UPDATE_README=1 writes it', () => {
  const text = readFileSync(readme, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const [, after = ''] = rest.split(end);
  const wanted = `${before}${begin}\n\n${table()}\n\n${end}${after}`;
  if (process.env.UPDATE_README === '1') writeFileSync(readme, wanted);
  else expect(text).toBe(wanted);
});
