import { describe, expect, it } from 'vitest';
import { parseTokenizerJson, withoutSpecialTokens } from './tokenizer-json.js';

describe('parseTokenizerJson', () => {
  it.each([
    ['', 'not valid JSON'],
    ['{"model":', 'not valid JSON'],
    ['[]', 'not a JSON object'],
    ['null', 'not a JSON object'],
    ['{}', 'no model.type'],
    ['{"model":{"type":7}}', 'no model.type'],
    ['{"model":{"type":"BPE"},"added_tokens":{}}', 'added_tokens'],
    ['{"model":{"type":"BPE"},"added_tokens":[{"id":"1","content":"x"}]}', 'added_tokens'],
    ['{"model":{"type":"BPE"},"added_tokens":[{"id":1}]}', 'added_tokens'],
  ])('refuses %s', (text, what) => {
    expect(() => parseTokenizerJson(text, 'x.json')).toThrow(
      expect.objectContaining({ code: 'tokenizer-broken', message: expect.stringContaining(what) }),
    );
  });
});

describe('withoutSpecialTokens', () => {
  const json = parseTokenizerJson(
    JSON.stringify({
      added_tokens: [
        { id: 1, content: '<s>', special: true },
        { id: 2, content: '<tab>', special: false },
      ],
      model: { type: 'BPE', vocab: { a: 0, '<s>': 1, ['__proto__']: 3 }, merges: [], unk_token: '<s>' },
    }),
    'x.json',
  );

  it('renames special tokens everywhere alike and leaves the rest', () => {
    const plain = withoutSpecialTokens(json);
    const name = plain.added_tokens?.[0]?.content ?? '';
    expect(name).not.toBe('<s>');
    expect(plain.model.vocab).toEqual({ a: 0, [name]: 1, ['__proto__']: 3 });
    expect(plain.model.unk_token).toBe(name);
    expect(plain.added_tokens?.[1]).toEqual({ id: 2, content: '<tab>', special: false });
  });

  it('takes names that cannot be foreseen', () => {
    const names = [1, 2].map(() => withoutSpecialTokens(json).added_tokens?.[0]?.content);
    expect(names[0]).not.toBe(names[1]);
  });

  it('renames in a vocabulary that is a list', () => {
    const plain = withoutSpecialTokens({
      ...json,
      model: {
        type: 'Unigram',
        vocab: [
          ['a', -1],
          ['<s>', 0],
        ],
      },
    });
    expect(plain.model.vocab).toEqual([
      ['a', -1],
      [plain.added_tokens?.[0]?.content, 0],
    ]);
  });
});
