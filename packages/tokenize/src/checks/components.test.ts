import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { tokenizerFromJson } from '../library.js';

const vocab = { a: 0, b: 1, ab: 2, '##b': 3, 'a##b': 4, abab: 5 };
const bpe = { type: 'BPE', vocab, merges: [['a', 'b']] };
const unigram = {
  type: 'Unigram',
  unk_id: 0,
  vocab: [
    ['<unk>', 0],
    ['a', -1],
    [' ', -1],
  ],
};
const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const sequence = (step: object) => ({ type: 'Sequence', pretokenizers: [{ type: 'Whitespace' }, step] });
/** A map whose trie has one block of 256 units, all of them `unit`. */
function charsmap(unit: number, texts = 'x\0'): string {
  const bytes = Buffer.alloc(4 + 1024);
  bytes.writeUInt32LE(1024, 0);
  for (let at = 0; at < 256; at++) bytes.writeUInt32LE(unit, 4 + 4 * at);
  return Buffer.concat([bytes, Buffer.from(texts)]).toString('base64');
}
const precompiled = (precompiled_charsmap: unknown) => ({ type: 'Precompiled', precompiled_charsmap });

/** The library itself, which is what these files would end: the text is encoded and decoded in a process of its own. */
const PROGRAM = `
const { Tokenizer } = require(process.argv[1]);
const native = Tokenizer.fromString(process.argv[2]);
const text = process.argv[3];
native.encode(text, null, { addSpecialTokens: false })
  .then((encoding) => native.decode(encoding.getIds(), false))
  .catch(() => undefined);
`;

function endsProcess(json: object, text: string): boolean {
  const library = createRequire(import.meta.url).resolve('tokenizers');
  const args = ['-e', PROGRAM, library, JSON.stringify(json), text];
  const { signal, status } = spawnSync(process.execPath, args, { timeout: 20_000 });
  return signal === 'SIGABRT' || signal === 'SIGTERM' || (status ?? 0) >= 128;
}

describe('a file that would end the process', () => {
  it.each([
    ['a prefix that merges lack', { model: { ...bpe, continuing_subword_prefix: '##########' } }, 'a'],
    [
      'a merge whose result is longer than all tokens',
      { model: { ...bpe, merges: [['abab', 'abab']] } },
      'a',
    ],
    ['pieces of no length', { model: bpe, pre_tokenizer: { type: 'FixedLength', length: 0 } }, 'ab'],
    [
      'a decoder that strips more than there is',
      { model: unigram, decoder: { type: 'Strip', content: ' ', start: 0, stop: 3 } },
      ' ',
    ],
    [
      'a decoder of no kind, which the library takes for another by its fields',
      { model: unigram, decoder: { type: [{ a: 'Strip' }], content: ' ', start: 0, stop: 3 } },
      ' ',
    ],
    [
      'a prefix of nothing',
      {
        model: unigram,
        normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '' }, { type: 'NFKC' }] },
      },
      'zażółć 🙂 한국어',
    ],
    [
      'an added token of which nothing is left',
      {
        model: unigram,
        normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
        added_tokens: [
          {
            id: 7,
            content: '\u202e',
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: true,
            special: false,
          },
        ],
      },
      'zażółć 🙂 한국어',
    ],
    [
      'a search for nothing',
      {
        model: unigram,
        normalizer: {
          type: 'Sequence',
          normalizers: [{ type: 'Replace', pattern: { String: '' }, content: 'x' }, { type: 'NFKC' }],
        },
      },
      'zażółć 🙂 한국어',
    ],
    [
      'a pattern that takes exponential time',
      { model: bpe, pre_tokenizer: split('(a|aa)+c') },
      'a'.repeat(64),
    ],
    ['a map whose trie is cut', { model: unigram, normalizer: precompiled(charsmap(0).slice(0, 400)) }, 'a'],
    [
      'a map whose offsets leave its trie',
      { model: unigram, normalizer: precompiled(charsmap(0xffff_fc61 & 0x7fff_ffff)) },
      'aaa',
    ],
  ])(
    'is refused by name: %s',
    (_, json, text) => {
      expect(() => tokenizerFromJson(json)).toThrow(expect.objectContaining({ code: 'tokenizer-broken' }));
      expect(endsProcess(json, text)).toBe(true);
    },
    60_000,
  );

  it.each([
    [{ model: { ...bpe, vocab: [] } }, 'model.vocab'],
    [{ model: { ...bpe, merges: 5 } }, 'model.merges'],
    [{ model: { ...bpe, merges: ['a b c'] } }, 'model.merges[0]'],
    [{ model: { ...bpe, merges: [['a', 5]] } }, 'model.merges[0]'],
    [{ model: { ...bpe, merges: [['b', 'a']] } }, 'model.merges[0]'],
    [{ model: { ...bpe, dropout: 0.5 } }, 'model.dropout'],
    [{ model: { ...bpe, continuing_subword_prefix: 5 } }, 'model.continuing_subword_prefix'],
    [{ model: { ...unigram, vocab: [['x'.repeat(2000), 0]] } }, 'model.vocab[0]'],
    [{ model: { ...unigram, vocab: [] } }, 'model.vocab'],
    [{ model: bpe, pre_tokenizer: sequence(split('(a+)+')) }, 'pre_tokenizer.pretokenizers[1]'],
    [{ model: bpe, normalizer: precompiled('%') }, 'normalizer'],
    [{ model: bpe, normalizer: precompiled(charsmap(0, '\xff').replace(/..$/, '/w')) }, 'normalizer'],
  ])('is refused with the place of the fault (%#)', (json, place) => {
    expect(() => tokenizerFromJson(json)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(place) }),
    );
  });
});

describe('a sound file', () => {
  it.each([
    { model: { ...bpe, continuing_subword_prefix: '##', merges: ['a ##b'] } },
    { model: { ...bpe, merges: [['ab', 'ab']], dropout: null } },
    { model: unigram, normalizer: precompiled(charsmap(0)) },
    { model: bpe, decoder: { type: 'Strip', content: ' ', start: 1, stop: 0 } },
  ])('is read (%#)', async (json) => {
    expect(await tokenizerFromJson(json).encode('a')).toEqual([json.model.type === 'BPE' ? 0 : 1]);
  });

  it('reads what was checked where keys are repeated', async () => {
    const text = JSON.stringify({ model: { ...bpe, ignore_merges: true } });
    const repeated = text.replace('"merges"', '"continuing_subword_prefix":"########","merges"');
    const last = repeated.replace(/}}$/, ',"continuing_subword_prefix":null}}');
    expect(await tokenizerFromJson(last).encode('ab')).toEqual([2]);
  });
});

describe('a text that the library cannot take', () => {
  const tokenizer = tokenizerFromJson({ model: bpe });

  it.each([
    ['\ud800', 'bad-text'],
    ['a\udc00b', 'bad-text'],
    [5, 'bad-text'],
    [undefined, 'bad-text'],
    [{}, 'bad-text'],
    [' '.repeat(4_000_001), 'too-long'],
  ])('is refused (%#)', async (text, code) => {
    for (const encode of [tokenizer.encode, tokenizer.encodeTemplate])
      await expect(encode(text as string)).rejects.toMatchObject({ code });
  });

  it.each([[-1], [1.5], [2 ** 32], [Number.NaN], ['0']])('is refused as the id %s', async (id) => {
    await expect(tokenizer.decode([id as number])).rejects.toMatchObject({ code: 'bad-text' });
  });

  it('names the text that lies outside the vocabulary of a model without a token for it', async () => {
    const strict = tokenizerFromJson({ model: { ...unigram, unk_id: null } });
    await expect(strict.encode('z')).rejects.toMatchObject({
      code: 'tokenizer-broken',
      message: expect.stringContaining('"z"'),
    });
  });
});
