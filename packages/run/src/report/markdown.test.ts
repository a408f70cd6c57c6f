import { describe, expect, it } from 'vitest';
import { code, markdownTable } from './markdown.js';

describe('code', () => {
  it.each([
    ['plain', '`plain`'],
    ['a`b', '``a`b``'],
    ['`a``', '``` `a`` ```'],
    [' \n ', '(empty)'],
    ['a\n\nb', '`a b`'],
  ])('%j', (text, written) => expect(code(text)).toBe(written));
});

it('markdownTable keeps bars inside their cells', () => {
  expect(markdownTable(['a'], [[{ code: 'x|y' }], [{ text: 'p|q' }]])).toBe(
    ['| a |', '| --- |', '| `x\\|y` |', '| p\\|q |'].join('\n'),
  );
});
