import { expect, it } from 'vitest';
import { GramError } from '../error.js';
import { printable, printableLines } from './printable.js';

const HOSTILE = 'a\u001b[2J\u009b1m\u007f\0\r\u2028\u202e\u2066\ud800z';
const SHOWN = 'a\\u001b[2J\\u009b1m\\u007f\\u0000\\r\\u2028\\u202e\\u2066\\ud800z';

it('shows what would act on a terminal, and keeps what a reader reads', () => {
  expect(printable(HOSTILE)).toBe(SHOWN);
  expect(printable('a\tb\n')).toBe('a\\tb\\n');
  expect(printable('zażółć "🙂" \\n 한국어')).toBe('zażółć "🙂" \\n 한국어');
});

it('keeps line feeds and tabs where lines are allowed', () => {
  expect(printableLines(`a\tb\n${HOSTILE}`)).toBe(`a\tb\n${SHOWN}`);
  expect(printableLines('a\r\nb')).toBe('a\\r\nb');
});

it('is what every error says, whatever was put into it', () => {
  const error = new GramError('code', `no file ${HOSTILE}\n`, `rename ${HOSTILE}`);
  expect(error.message).toBe(`no file ${SHOWN}\\n`);
  expect(error.hint).toBe(`rename ${SHOWN}`);
});
