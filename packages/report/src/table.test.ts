import { describe, expect, it } from 'vitest';
import { textTable } from './table.js';

describe('textTable', () => {
  it('aligns text left and numbers right, by terminal columns', () => {
    const table = textTable({
      columns: [{ name: 'model' }, { name: 'accuracy' }, { name: 'time', align: 'right' }],
      rows: [
        ['GRAM', 0.741, '6 min'],
        ['要約\n\u001b[31m', 1, '38 s'],
      ],
    });
    expect(table.split('\n')).toEqual([
      'model            accuracy   time',
      '───────────────  ────────  ─────',
      'GRAM                0.741  6 min',
      '要約 \\u001b[31m         1   38 s',
    ]);
  });

  it('prints the header of an empty table', () => {
    expect(textTable({ columns: [{ name: 'a' }, { name: 'bc' }], rows: [] })).toBe('a  bc\n─  ──');
  });

  it('refuses a row of another length', () => {
    expect(() => textTable({ columns: [{ name: 'a' }], rows: [['x'], ['y', 'z']] })).toThrow(
      expect.objectContaining({
        code: 'bad-table',
        message: 'row 2 of the table has 2 cells for 1 columns',
      }),
    );
  });
});
