import { readFileSync } from 'node:fs';
import { createRandom } from '@gram/base';
import { Tokenizer as NativeTokenizer } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { byteAlphabet, preTokenPattern } from '../bpe/pre-tokens.js';
import { modelTokenizer } from '../chat/__fixtures__/models.js';
import { type Tokenizer, tokenizerFromJson } from '../library.js';
import { createMerger, type Merger, vocabularyOf } from './merger.js';
import { wordRulesOf } from './rules.js';
import { eachPart } from './split-words.js';
import { TokenList } from './token-list.js';
import { unitsOf } from './units.js';
import { createWordEncoder, type EncodeParts, type SpanOptions } from './word-encoder.js';
import { TABLE_SIZE } from './word-table.js';

const trained: object = JSON.parse(
  readFileSync(new URL('../bpe/__fixtures__/tokenizer.json', import.meta.url), 'utf8'),
);
/** The pre-tokenizers of GPT-2 and of SmolLM2, over the vocabulary of the fixture. */
const gpt2 = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const smollm2 = { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, gpt2] };

/** The fixture without the tokens of a control character, of `|` and of the first byte of some letters. */
function lackingBytes(): object {
  const { model, ...json } = JSON.parse(JSON.stringify(trained));
  const vocab = { ...model.vocab };
  for (const byte of [0x13, 0x7c, 0xc5]) delete vocab[byteAlphabet[byte]!];
  return { ...json, model: { ...model, vocab } };
}

const tokenizers: readonly (readonly [string, () => Tokenizer])[] = [
  ['Qwen3', () => modelTokenizer('qwen3')],
  ['Llama 3.1', () => modelTokenizer('llama3_1')],
  ['a trained one', () => tokenizerFromJson(trained)],
  ['the form of GPT-2', () => tokenizerFromJson({ ...trained, pre_tokenizer: gpt2 })],
  ['the form of SmolLM2', () => tokenizerFromJson({ ...trained, pre_tokenizer: smollm2 })],
  ['one that lacks bytes', () => tokenizerFromJson(lackingBytes())],
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
  'Он ёж',
  'й',
  'ї ',
  '\u0306',
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

  const rules = wordRulesOf(JSON.parse(tokenizer.json))!;

  it('splits off what is not plain, at words', () => {
    const text = 'So it was 12 한글 (yes) and no more 🙂';
    const parts = partsOf(text, rules);
    expect(parts.filter(({ isWord }) => !isWord).map(({ part }) => part)).toEqual([
      ' was 12 한글 (yes) and',
      ' more 🙂',
    ]);
    expect(parts.slice(0, 2).map(({ part }) => part)).toEqual(['So', ' it']);
    expect(parts.map(({ part }) => part).join('')).toBe(text);
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

describe.each(tokenizers.slice(1, 3))('texts of %s that are joined', (_, load) => {
  it('have the ids and the places of the whole, however often each was met before', async () => {
    const tokenizer = load();
    const { added_tokens: __, ...json } = JSON.parse(tokenizer.json);
    const native = NativeTokenizer.fromString(JSON.stringify({ ...json, post_processor: null }));
    const random = createRandom(4, 'joined');
    const texts = Array.from({ length: 40 }, (_text, at) => {
      const pieces = [...(at < 20 ? PIECES : PIECES.slice(0, 44)), 'some words of', ' a text', ' and'];
      return Array.from({ length: 400 }, () => pieces[random.integer(pieces.length)]).join('');
    });
    for (let round = 0; round < 100; round++) {
      const joined = Array.from({ length: 3 }, () => texts[random.integer(texts.length)]!);
      const expected = await native.encode(joined.join(''), null, { addSpecialTokens: false });
      const ids = await tokenizer.encodeSegments(joined.map((text) => ({ text, trusted: false })));
      if (ids.join() !== expected.getIds().join()) expect.fail(JSON.stringify(joined));
      const [first = ''] = joined;
      const alone = await native.encode(first, null, { addSpecialTokens: false });
      const places = (await tokenizer.spans(first)).map(({ start, end }) => [start, end]);
      // The library counts characters.
      const isSame = [...first].length === first.length;
      if (isSame && places.join() !== alone.getOffsets().join()) expect.fail(JSON.stringify(first));
    }
  });
});

/** Lists the parts that `eachPart` visits. */
function partsOf(text: string, rules: Parameters<typeof eachPart>[2]) {
  const parts: { part: string; isWord: boolean }[] = [];
  eachPart(text, unitsOf(text), rules, (start, end, isWord) =>
    parts.push({ part: text.slice(start, end), isWord }),
  );
  return parts;
}

describe('eachPart', () => {
  const llama = (digits: string) =>
    String.raw`'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
  const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  const split = (Regex: string) => ({
    type: 'Sequence',
    pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }, bytes],
  });
  const published = (digits: string) =>
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
  const gpt2Pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
  const plainPieces = PIECES.filter((piece) =>
    /^[\p{ASCII}\xa0-\xff\u0401\u0410-\u044f\u0451\u2010-\u2027\u20ac]*$/u.test(piece),
  );

  it.each([
    ['Llama 3', split(published(String.raw`\p{N}{1,3}`)), [llama(String.raw`\p{N}{1,3}`)]],
    ['Qwen', split(published(String.raw`\p{N}`)), [llama(String.raw`\p{N}`)]],
    ['gram', split(preTokenPattern), [preTokenPattern]],
    ['GPT-2', gpt2, [gpt2Pattern]],
    ['SmolLM2', smollm2, [String.raw`\p{N}|\P{N}+`, gpt2Pattern]],
  ])('splits plain text as the pattern of %s', (_, pre_tokenizer, patterns) => {
    const rules = wordRulesOf({ model: { type: 'BPE' }, pre_tokenizer })!;
    for (const text of randomTexts(20_000, plainPieces)) {
      let expected = [text];
      for (const pattern of patterns)
        expected = expected.flatMap((part) => part.match(new RegExp(pattern, 'gu')) ?? []);
      const words = partsOf(text, rules).map(({ part }) => part);
      if (words.join('|') !== expected.join('|')) expect(words, JSON.stringify(text)).toEqual(expected);
    }
  });
});

describe('createWordEncoder', () => {
  const rules = wordRulesOf({ model: { type: 'BPE' }, pre_tokenizer: gpt2 })!;
  const tokensOf = (part: string) => ({ ids: [part.length], spans: [{ start: 0, end: part.length }] });
  /** Merges each word to one token, whose id is its length, and notes what it is asked. */
  function encoderWith(library: EncodeParts) {
    const merged: string[] = [];
    const merger: Merger = {
      merge(word) {
        merged.push(word);
        return { count: 1, ids: Int32Array.of(word.length), ends: Int32Array.of(word.length) };
      },
    };
    const words = createWordEncoder(rules, merger, library);
    const encode = async (text: string, options?: SpanOptions) => {
      const all = new TokenList();
      if (!(await words.encode(text, all, 0, options))) return undefined;
      return { ids: Array.from({ length: all.count }, (_, at) => all.id(at)), spans: all.spans() };
    };
    return { merged, encode };
  }

  it('merges each word once, and asks the library for long and foreign parts', async () => {
    const asked: string[] = [];
    const { merged, encode } = encoderWith(async (parts) => {
      asked.push(...parts.map(({ part }) => part));
      return parts.map(({ part }) => (part.includes('語') ? undefined : tokensOf(part)));
    });
    const long = 'x'.repeat(160);
    await encode('a b a');
    const both = await encode(`b a ${long} a Ωm`, { withSpans: true });
    expect(both).toEqual({
      ids: [1, 2, 161, 5],
      spans: [
        { start: 0, end: 1 },
        { start: 1, end: 3 },
        { start: 3, end: 164 },
        { start: 164, end: 169 },
      ],
    });
    expect(await encode('a 語')).toBeUndefined();
    expect((await encode(`${long} a Ωm`))?.ids).toEqual([160, 5]);
    expect(merged).toEqual(['a', ' b', ' a', 'b']);
    expect(asked).toEqual([` ${long}`, ' a Ωm', 'a 語', long]);
  });

  it('forgets what nobody asks for', async () => {
    const { merged, encode } = encoderWith(async () => []);
    await encode('first kept');
    for (let n = 0; n < 3 * TABLE_SIZE; n += 1000) {
      // GPT-2 splits digits off.
      const words = Array.from({ length: 1000 }, (_, at) =>
        (n + at).toString().replace(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit))),
      );
      await encode(words.join(' '));
      await encode('kept kept');
    }
    merged.length = 0;
    await encode('first kept');
    expect(merged).toEqual(['first']);
  });
});

describe('wordRulesOf', () => {
  it.each([
    ['another normalizer', { normalizer: { type: 'Lowercase' } }],
    [
      'another pattern',
      { pre_tokenizer: { type: 'Split', pattern: { Regex: 'x' }, behavior: 'Isolated', invert: false } },
    ],
    ['a space before the text', { pre_tokenizer: { ...gpt2, add_prefix_space: true } }],
    ['a step that is none', { pre_tokenizer: { type: 'Sequence', pretokenizers: [null, gpt2] } }],
    ['steps that are no list', { pre_tokenizer: { type: 'Sequence', pretokenizers: gpt2 } }],
    ['chance', { model: { type: 'BPE', dropout: 0.1 } }],
    ['added white space', { added_tokens: [{ id: 9, content: '  ' }] }],
    [
      'tokens that take white space',
      { added_tokens: [{ id: 9, content: '<x>', special: true, lstrip: true }] },
    ],
  ])('leaves a tokenizer with %s to the library', (_, change) => {
    expect(wordRulesOf({ model: { type: 'BPE' }, ...trained, ...change })).toBeUndefined();
  });
});

describe('createMerger', () => {
  const { model } = JSON.parse(JSON.stringify(trained));
  it.each([
    ['no token for a byte', { vocab: { a: 0 } }],
    ['one id for two tokens', { vocab: { ...model.vocab, other: 0 } }],
    ['a mark before parts of words', { continuing_subword_prefix: '##' }],
    ['tokens for single bytes', { byte_fallback: true }],
    ['a merge of unknown tokens', { merges: [...model.merges, ['no such', 'token']] }],
    ['a merge that is nothing', { merges: [...model.merges, null] }],
    ['a merge that is a number', { merges: [...model.merges, 7] }],
  ])('leaves a model with %s to the library', (_, change) => {
    const mergerOf = (changed: typeof model) => {
      const vocabulary = vocabularyOf(changed);
      return vocabulary && createMerger(changed, vocabulary);
    };
    expect(mergerOf(model)).toBeDefined();
    expect(mergerOf({ ...model, ...change })).toBeUndefined();
  });
});
