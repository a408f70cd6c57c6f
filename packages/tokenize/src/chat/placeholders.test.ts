import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Trim, trimText } from '../prompts/trim.js';
import { findSlots, makePlaceholders } from './placeholders.js';

const trim = fc.constantFrom<Trim>('none', 'newlines', 'all');
const piece = fc
  .array(fc.constantFrom('\n', ' ', '\t', '\v', '<|im_end|>', 'x'), { maxLength: 6 })
  .map((parts) => parts.join(''));

describe('findSlots', () => {
  it('tells the text of a template from what it leaves of placeholders, white space and all', () => {
    const message = fc.record({ start: trim, end: trim, empty: fc.boolean(), before: piece });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), piece, (messages, last) => {
        const placeholders = makePlaceholders(messages.map(({ empty }) => empty));
        const renderings = placeholders.contents.map(
          (contents) =>
            messages
              .map(({ before, ...trims }, index) => before + trimText(contents[index]!, trims))
              .join('') + last,
        );
        const full = messages.flatMap(({ start, end, empty }, index) =>
          empty ? [] : [{ message: index, trims: { start, end } }],
        );
        const { pieces, slots } = findSlots(
          renderings,
          placeholders,
          messages.map(() => 'user'),
        );
        expect(slots).toEqual(full);
        expect(pieces.join('|')).toBe(
          messages.map(({ before, empty }) => before + (empty ? '' : '|')).join('') + last,
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it.each<[string, (texts: readonly string[]) => string, string]>([
    ['leaves one out', ([a]) => `${a}`, 'leaves out or changes the text of message 2 (assistant)'],
    ['repeats one', ([a, b]) => `${a}${b}${a}`, 'repeats the text of message 1 (user)'],
    [
      'changes case',
      ([a, b]) => `${a}${b?.toUpperCase()}`,
      'leaves out or changes the text of message 2 (assistant)',
    ],
    [
      'escapes',
      ([a, b]) => `${a?.replaceAll('<', '&lt;')}${b}`,
      'leaves out or changes the text of message 1 (user)',
    ],
    [
      'joins lines',
      ([a, b]) => `${a?.replaceAll('\n', ' ')}${b}`,
      'leaves out or changes the text of message 1 (user)',
    ],
    ['shows a part too', ([a, b]) => `${a}${b}${a?.slice(0, 40)}`, 'uses a part of the text of a message'],
    [
      'trims spaces only',
      ([a, b]) => `${a}-${b?.replace(/^ +/, '')}`,
      'does more to the text of message 1 (user) or',
    ],
    [
      'trims spaces and newlines',
      ([a, b]) => `${a?.replace(/^[ \n]+/, '')}-${b}`,
      'does more to the text of message 1 (user)',
    ],
    [
      'adds its length',
      ([a, b]) => `${a}-${b}${b?.replace(/\S/g, '').length}${b?.indexOf('\v')}`,
      'does more to the text',
    ],
  ])('refuses what %s', (_, render, message) => {
    const placeholders = makePlaceholders([false, false]);
    expect(() => findSlots(placeholders.contents.map(render), placeholders, ['user', 'assistant'])).toThrow(
      expect.objectContaining({ code: 'template-unsupported', message: expect.stringContaining(message) }),
    );
  });

  it('makes placeholders that cannot be foreseen', () => {
    expect(makePlaceholders([false]).nonce).not.toBe(makePlaceholders([false]).nonce);
  });
});
