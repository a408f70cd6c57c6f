import { readFileSync } from 'node:fs';
import { createRandom } from '@gram/base';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { modelTokenizer } from '../chat/__fixtures__/models.js';
import { type Tokenizer, tokenizerFromJson } from '../library.js';
import { isPlain, wordSplitter } from './split-words.js';
import { createWordEncoder } from './word-encoder.js';

const trained: object = JSON.parse(
  readFileSync(new URL('../bpe/__fixtures__/tokenizer.json', import.meta.url), 'utf8'),
);
/** The pre-tokenizers of GPT-2 and of SmolLM2, over the vocabulary of the fixture. */
const gpt2 = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const smollm2 = { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, gpt2] };

const tokenizers: readonly (readonly [string, () => Tokenizer])[] = [
  ['Qwen3', () => modelTokenizer('qwen3')],
  ['Llama 3.1', () => modelTokenizer('llama3_1')],
  ['a trained one', () => tokenizerFromJson(trained)],
  ['the form of GPT-2', () => tokenizerFromJson({ ...trained, pre_tokenizer: gpt2 })],
  ['the form of SmolLM2', () => tokenizerFromJson({ ...trained, pre_tokenizer: smollm2 })],
];

/** Pieces at whose seams splitting may go wrong, every character of Latin-1, and some that only the library splits. */
const PIECES = [
  ..."'s|'T|'re|'LL|'m|''|don't|I'VE|\n|\r\n|\t|\v|\f|  |   |\u00a0|\u0085|1|23|4567|½|²|é|ß|ſ|µ|ª|_|-|--|…|“|’|€|a|The|word|WORD"
    .split('|')
    .filter((piece) => piece !== ''),
  ' ',
  '|',
  ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
  'e\u0301',
  ' a b',
  'd ',
  'word word',
  '한글',
  '🙂',
  '\u2028',
];

function randomTexts(count: number, pieces: readonly string[]): string[] {
  const random = createRandom(3, 'texts');
  const pick = () => pieces[random.integer(pieces.length)]!;
  return Array.from({ length: count }, () => Array.from({ length: 1 + random.integer(16) }, pick).join(''));
}

describe.each(tokenizers)('words of %s', (_, load) => {
  const tokenizer = load();
  const { added_tokens: added, ...json } = JSON.parse(tokenizer.json);
  const native = NativeTokenizer.fromString(JSON.stringify({ ...json, post_processor: null }));
  const isFree = (text: string) => !added.some(({ content }: { content: string }) => text.includes(content));

  it('splits off what is not plain, at words', () => {
    const words = wordSplitter(JSON.parse(tokenizer.json))?.('So it was 12 한글 (yes) and no more 🙂');
    expect(words?.filter((word) => !isPlain(word))).toEqual([' was 12 한글 (yes) and', ' more 🙂']);
    expect(words?.slice(0, 2)).toEqual(['So', ' it']);
    expect(words?.join('')).toBe('So it was 12 한글 (yes) and no more 🙂');
  });

  it('gives the ids and the places that the library gives, in any order of texts', async () => {
    const texts = [...randomTexts(1500, PIECES), ...randomTexts(1500, PIECES.slice(0, 44))].filter(isFree);
    for (const text of [...texts, ...texts.toReversed()]) {
      const expected = await native.encode(text, null, { addSpecialTokens: false });
      if ((await tokenizer.encode(text)).join() !== expected.getIds().join())
        expect.fail(JSON.stringify(text));
      const places = (await tokenizer.spans(text)).map(({ start, end }) => [start, end]);
      // The library counts characters.
      const isSame = [...text].length === text.length;
      if (isSame && places.join() !== expected.getOffsets().join()) expect.fail(JSON.stringify(text));
    }
  }, 120_000);
});

describe('createWordEncoder', () => {
  const split = (text: string) => text.match(/\S+|\s+/g) ?? [];
  const tokens = (word: string) => ({
    ids: [word.length],
    spans: [{ start: 0, end: word.length }],
    length: word.length,
  });

  it('encodes each word once, but long ones and those that cannot be encoded alone', async () => {
    const asked: string[] = [];
    const encoder = createWordEncoder(split, async (words) => {
      asked.push(...words);
      return words.map((word) => (word === 'two-words' ? undefined : tokens(word)));
    });
    const long = 'x'.repeat(40);
    await encoder.words('a b a');
    expect((await encoder.words(`b a ${long}`))?.map(({ length }) => length)).toEqual([1, 1, 1, 1, 40]);
    expect(await encoder.words('a two-words')).toBeUndefined();
    await encoder.words(long);
    expect(asked).toEqual(['a', ' ', 'b', long, 'two-words', long]);
  });

  it('forgets what nobody asks for', async () => {
    const asked: string[] = [];
    const encoder = createWordEncoder(split, async (words) => {
      asked.push(...words);
      return words.map(tokens);
    });
    await encoder.words('first kept');
    for (let n = 0; n < 150_000; n += 1000) {
      await encoder.words(Array.from({ length: 1000 }, (_, at) => `w${n + at}`).join(' '));
      await encoder.words('kept');
    }
    asked.length = 0;
    await encoder.words('first kept');
    expect(asked).toEqual(['first']);
  });
});

describe('wordSplitter', () => {
  it.each([
    ['another normalizer', { normalizer: { type: 'Lowercase' } }],
    [
      'another pattern',
      { pre_tokenizer: { type: 'Split', pattern: { Regex: 'x' }, behavior: 'Isolated', invert: false } },
    ],
    ['a space before the text', { pre_tokenizer: { ...gpt2, add_prefix_space: true } }],
    ['chance', { model: { type: 'BPE', dropout: 0.1 } }],
    ['added white space', { added_tokens: [{ id: 9, content: '  ' }] }],
    [
      'tokens that take white space',
      { added_tokens: [{ id: 9, content: '<x>', special: true, lstrip: true }] },
    ],
  ])('leaves a tokenizer with %s to the library', (_, change) => {
    expect(wordSplitter({ model: { type: 'BPE' }, ...trained, ...change })).toBeUndefined();
  });
});
