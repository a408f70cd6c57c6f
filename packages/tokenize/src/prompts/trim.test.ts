import { describe, expect, it } from 'vitest';
import { type Trim, trimText } from './trim.js';

describe('trimText', () => {
  it.each([
    ['none', 'none', '\n \u0085x\ufeff \n', '\n \u0085x\ufeff \n'],
    ['newlines', 'newlines', '\n\n x\r\n\n', ' x\r'],
    ['all', 'none', '\n \u0085\u001f\u3000x \n', 'x \n'],
    ['none', 'all', '\n x \n\u2029\u001c', '\n x'],
    ['all', 'all', '\ufeff x \u200b', '\ufeff x \u200b'],
    ['all', 'all', ' \n\t ', ''],
    ['newlines', 'all', '\n\n', ''],
    ['all', 'all', '', ''],
  ] satisfies [Trim, Trim, string, string][])(
    'takes %s at the start and %s at the end of %j',
    (start, end, text, kept) => {
      expect(trimText(text, { start, end })).toBe(kept);
    },
  );

  it('is quick on a long run of white space', () => {
    const text = `${' '.repeat(1_000_000)}x${' '.repeat(1_000_000)}x`;
    const start = performance.now();
    expect(trimText(text, { start: 'all', end: 'all' })).toHaveLength(1_000_002);
    // A search that starts anew at each space would take an hour.
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
