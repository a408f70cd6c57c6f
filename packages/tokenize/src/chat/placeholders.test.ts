import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Trim, trimText } from '../prompts/trim.js';
import type { ConversationText } from './conversation-texts.js';
import { findSlots } from './placeholders.js';
import { makePlaceholders } from './stand-ins.js';

const trim = fc.constantFrom<Trim>('none', 'newlines', 'all');
const piece = fc
  .array(fc.constantFrom('\n', ' ', '\t', '\v', '<|im_end|>', 'x'), { maxLength: 6 })
  .map((parts) => parts.join(''));

const content = (message: number, role: string): ConversationText => ({
  value: 'x',
  kind: 'content',
  message,
  name: `the text of message ${message + 1} (${role})`,
  isRequired: true,
});
const data = (name: string, isRequired = true): ConversationText => ({
  value: 'x',
  kind: 'data',
  message: undefined,
  name,
  isRequired,
});

describe('findSlots', () => {
  it('tells the text of a template from what it leaves of placeholders, white space and all', () => {
    const message = fc.record({ start: trim, end: trim, empty: fc.boolean(), before: piece });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), piece, (messages, last) => {
        const full = messages.flatMap(({ start, end, empty }, index) =>
          empty ? [] : [{ message: index, trims: { start, end } }],
        );
        const texts = full.map(({ message }) => content(message, 'user'));
        const placeholders = makePlaceholders(texts);
        const renderings = placeholders.contents.map(
          (contents) =>
            messages
              .map(({ before, ...trims }, index) => {
                const text = full.findIndex(({ message }) => message === index);
                return before + trimText(contents[text] ?? '', trims);
              })
              .join('') + last,
        );
        const { pieces, slots } = findSlots(renderings, placeholders, texts);
        expect(slots).toEqual(full.map((slot, text) => ({ text, ...slot, isJson: false })));
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
    const texts = [content(0, 'user'), content(1, 'assistant')];
    const placeholders = makePlaceholders(texts);
    expect(() => findSlots(placeholders.contents.map(render), placeholders, texts)).toThrow(
      expect.objectContaining({ code: 'template-unsupported', message: expect.stringContaining(message) }),
    );
  });

  it('finds texts that are written as JSON, and repeated data', () => {
    const texts = [data('tool 1'), content(0, 'tool'), data('an id', false)];
    const placeholders = makePlaceholders(texts);
    const { pieces, slots } = findSlots(
      placeholders.contents.map(
        ([name, text]) => `<${name}> {${JSON.stringify(name)}: ${JSON.stringify(text)}}`,
      ),
      placeholders,
      texts,
    );
    expect(pieces).toEqual(['<', '> {"', '": "', '"}']);
    expect(slots.map(({ text, isJson }) => [text, isJson])).toEqual([
      [0, false],
      [0, true],
      [1, true],
    ]);
  });

  it('refuses a template that leaves out what says something', () => {
    const refused = (texts: readonly ConversationText[]) => {
      const placeholders = makePlaceholders(texts);
      return () =>
        findSlots(
          placeholders.contents.map(() => ''),
          placeholders,
          texts,
        );
    };
    expect(refused([data('tool 1')])).toThrow('leaves out or changes tool 1');
    const reasoning: ConversationText = {
      ...content(0, 'assistant'),
      kind: 'reasoning',
      name: 'the reasoning',
    };
    expect(refused([reasoning])).toThrow('leaves out or changes the reasoning');
    const placeholders = makePlaceholders([reasoning]);
    expect(findSlots(['', ''], placeholders, [reasoning], true)).toEqual({ pieces: [''], slots: [] });
  });

  it('makes placeholders that cannot be foreseen', () => {
    expect(makePlaceholders([content(0, 'user')]).nonce).not.toBe(
      makePlaceholders([content(0, 'user')]).nonce,
    );
  });
});
