import { describe, expect, it } from 'vitest';
import { hideControlTokens } from './control-tokens.js';
import { tokenizerFromJson } from './library.js';
import { parseTokenizerJson, type TokenizerJson } from './tokenizer-json.js';

const ids: Readonly<Record<string, number>> = { '<s>': 1, '<think>': 2, '  ': 4 };
const json = parseTokenizerJson(
  JSON.stringify({
    added_tokens: [
      { id: 1, content: '<s>', special: true },
      { id: 2, content: '<think>', special: false },
      { id: 4, content: '  ', special: false },
    ],
    model: {
      type: 'BPE',
      vocab: { a: 0, '<s>': 1, '<think>': 2, ['__proto__']: 3, '<s': 5, '>': 6 },
      merges: ['<s >', 'a a', ['<think>', 'a']],
      unk_token: '<s>',
    },
  }),
  'x.json',
);
const hide = (value: TokenizerJson) => hideControlTokens(value, { idOf: (token) => ids[token] }, 'x.json');

describe('hideControlTokens', () => {
  it('renames all added tokens but white space, everywhere alike, and leaves the rest', () => {
    const hidden = hide(json);
    const [special = '', ordinary = '', spaces] = hidden
      .rename(json)
      .added_tokens!.map(({ content }) => content);
    expect([special, ordinary]).not.toContain('<s>');
    expect(spaces).toBe('  ');
    expect(hidden.rename(json).model.vocab).toEqual({
      a: 0,
      [special]: 1,
      [ordinary]: 2,
      ['__proto__']: 3,
      '<s': 5,
      '>': 6,
    });
    expect(hidden.rename(json).model.unk_token).toBe(special);
    // Others would give a token that no text may have.
    expect(hidden.rename(json).model.merges).toEqual(['a a']);
    expect(hidden.spell('x<think>  <s')).toBe(`x${ordinary}  <s`);
    expect(hidden.spells('x<think>')).toBe(true);
    expect(hidden.spells('x<think')).toBe(false);
  });

  it('counts the token for unknown text as ordinary', () => {
    const hidden = hide(json);
    expect(hidden.isControl(1)).toBe(false);
    expect(hidden.isControl(2)).toBe(true);
    expect(hidden.idsIn('<s>a<think>')).toEqual([2]);
  });

  it('takes names that cannot be foreseen', () => {
    expect(hide(json).spell('<s>')).not.toBe(hide(json).spell('<s>'));
  });

  it('renames in a vocabulary that is a list', () => {
    const model = {
      type: 'Unigram',
      vocab: [
        ['a', -1],
        ['<s>', 0],
      ],
      unk_id: 1,
    };
    const hidden = hide({ ...json, model });
    expect(hidden.rename({ ...json, model }).model.vocab).toEqual([
      ['a', -1],
      [hidden.spell('<s>'), 0],
    ]);
    expect(hidden.isControl(1)).toBe(false);
  });

  it('takes the longest of tokens that begin alike', () => {
    const longer = [...json.added_tokens!, { id: 7, content: '<s><s>', special: true }];
    const hidden = hide({ ...json, added_tokens: longer });
    expect(hidden.spell('<s><s>')).not.toBe(hidden.spell('<s>').repeat(2));
  });

  it('refuses a vocabulary that gives the id of a control token to ordinary text', () => {
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    const repeated = {
      added_tokens: [{ id: 1, content: '<eot>', special: true, ...flags }],
      model: { type: 'BPE', vocab: { a: 0, '<eot>': 1, b: 1 }, merges: [] },
    };
    expect(() => tokenizerFromJson(repeated)).toThrow(
      expect.objectContaining({
        code: 'tokenizer-broken',
        message: expect.stringContaining('gives the id 1 of the added token "<eot>" to "b" as well'),
      }),
    );
  });
});
