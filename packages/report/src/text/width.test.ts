import { describe, expect, it } from 'vitest';
import { escapeText } from './escape.js';
import { formatBytes, formatDuration, formatNumber, formatRate } from './format.js';
import { displayWidth, oneLine, truncate } from './width.js';

describe('escapeText', () => {
  it('leaves no markup and no character that XML forbids', () => {
    expect(escapeText(`<a href="x">'&amp;'</a>\u0000\u001b\ufffe\u202e\n`)).toBe(
      '&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;\\u0000\\u001b\\u202e\n',
    );
  });
});

describe('oneLine', () => {
  it('shows what moves the cursor or turns the writing direction', () => {
    expect(oneLine('a\r\nb\u001b[2Kc\u202ed\te\u0007')).toBe('a b\\u001b[2Kc\\u202ed e\\u0007');
  });
});

describe('displayWidth', () => {
  it.each([
    ['abc', 3],
    ['要約', 4],
    ['e\u0301', 1],
    ['🙂', 2],
    ['\u200b', 0],
  ])('counts the columns of %s', (text, width) => expect(displayWidth(text)).toBe(width));
});

describe('truncate', () => {
  it.each([
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['要約要約', 5, '要約…'],
    ['ab', 0, ''],
  ])('cuts %s to %d columns', (text, columns, cut) => expect(truncate(text, columns)).toBe(cut));
});

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [0.44, '0.4 s'],
    [9.96, '10 s'],
    [59.6, '1 min 00 s'],
    [125, '2 min 05 s'],
    [3599.7, '1 h 00 min'],
    [12_000, '3 h 20 min'],
    [86_399, '1 d 0 h'],
    [187_200, '2 d 4 h'],
    [Number.NaN, 'unknown time'],
    [-1, 'unknown time'],
    [Number.POSITIVE_INFINITY, 'unknown time'],
  ])('%d s', (seconds, words) => expect(formatDuration(seconds)).toBe(words));
});

describe('formatNumber', () => {
  it.each([
    [3, '3'],
    [9999, '9999'],
    [1_638_400, '1,638,400'],
    [0.741326, '0.7413'],
    [0.1 + 0.2, '0.3'],
    [1.23456e-7, '1.235e-7'],
    [Number.NaN, 'not a number'],
    [Number.NEGATIVE_INFINITY, '-infinity'],
  ])('%d', (value, words) => expect(formatNumber(value)).toBe(words));
});

describe('formatRate', () => {
  it.each([
    [1234.5, '1235 steps/s'],
    [12.345, '12.3 steps/s'],
    [0.05, '3 steps/min'],
    [0.001, '3.6 steps/h'],
  ])('%d a second', (rate, words) => expect(formatRate(rate, 'steps')).toBe(words));
});

describe('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '0.977 KiB'],
    [1.25 * 2 ** 30, '1.25 GiB'],
    [2 ** 60, '1050000 TiB'],
    [Number.NaN, 'unknown size'],
    [-1, 'unknown size'],
  ])('%d', (bytes, words) => expect(formatBytes(bytes)).toBe(words));
});
