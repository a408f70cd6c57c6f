import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteAlphabet } from './bpe/pre-tokens.js';
import { trainBpe } from './bpe/train-bpe.js';
import { loadTokenizer, tokenizerFromJson, tokenizerOf } from './library.js';

const specialTokens = ['<|pad|>', '<|end|>', '<|user|>'];
const json = trainBpe({ texts: ['the end of the end'], vocabSize: 300, specialTokens });
const tokenizer = tokenizerFromJson(json);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokenize-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is one for equal texts, wherever they come from', () => {
  expect(tokenizerFromJson(structuredClone(json))).toBe(tokenizer);
  expect(tokenizerOf({ tokenizerJson: tokenizer.json }, 'a model')).toBe(tokenizer);
  expect(tokenizerFromJson({ ...json, added_tokens: [] })).not.toBe(tokenizer);
});

describe('special tokens', () => {
  it('are parsed in templates and are plain text in user text', async () => {
    const text = 'a<|end|>b<|user|>';
    const [template, user] = [await tokenizer.encodeTemplate(text), await tokenizer.encode(text)];
    expect(template).toEqual([tokenizer.tokenId('a'), 1, tokenizer.tokenId('b'), 2]);
    expect(user.some((id) => id < specialTokens.length)).toBe(false);
    expect(await tokenizer.decode(user)).toBe(text);
    expect(await tokenizer.decode(template)).toBe(text);
    expect(await tokenizer.decode(template, { skipSpecial: true })).toBe('ab');
  });

  it('never come out of user text, whatever it is made of', async () => {
    const parts = fc.constantFrom(...specialTokens, '<|', '|>', 'end', '<', '>', ' ', '\n', 'é');
    await fc.assert(
      fc.asyncProperty(fc.array(parts), async (pieces) => {
        const ids = await tokenizer.encode(pieces.join(''));
        expect(ids.every((id) => id >= specialTokens.length)).toBe(true);
        expect(await tokenizer.decode(ids)).toBe(pieces.join(''));
      }),
    );
  });

  it.each([
    { where: 'in the vocabulary, with holes', names: { '<eot>': 256, '<tab>': 300 }, eot: 256, tab: 300 },
    { where: 'behind the vocabulary', names: {}, eot: 256, tab: 257 },
  ])('stay unparsed where the model looks whole words up: $where', async ({ names, eot, tab }) => {
    const bytes = Object.fromEntries(byteAlphabet.map((name, byte) => [name, byte]));
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    const whole = tokenizerFromJson({
      added_tokens: [
        { id: eot, content: '<eot>', special: true, ...flags },
        { id: tab, content: '<tab>', special: false, ...flags },
        { id: tab + 1, content: '  ', special: false, ...flags },
      ],
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      model: { type: 'BPE', vocab: { ...bytes, ...names }, merges: [], ignore_merges: true },
    });
    expect(await whole.encodeTemplate('<eot>')).toEqual([eot]);
    expect(await whole.encode('<eot>')).toHaveLength(5);
    expect(await whole.encode('<tab>')).toHaveLength(5);
    // Runs of spaces belong to the vocabulary of user text.
    expect(await whole.encode('x  ')).toEqual([bytes.x, whole.tokenId('  ')]);
    expect(whole.vocabSize).toBe(1 + Math.max(tab, whole.tokenId('  ')!));
  });
});

describe('segments', () => {
  const trusted = (text: string) => ({ text, trusted: true });
  const user = (text: string) => ({ text, trusted: false });

  it('are encoded at once, with special tokens of the template alone', async () => {
    const text = 'the<|end|> end';
    expect(await tokenizer.encodeSegments([trusted('th'), trusted('e<|end|> e'), user('nd')])).toEqual(
      await tokenizer.encodeTemplate(text),
    );
    expect(await tokenizer.encodeSegments([user(text)])).toEqual(await tokenizer.encode(text));
    expect(await tokenizer.encodeSegments([trusted('<|e'), user('nd|>')])).not.toContain(1);
  });

  it('keep the hidden names of tokens out of errors', async () => {
    const failed = tokenizer.encodeSegments([trusted('<|user|>'), user('\ud83d')]);
    await expect(failed).rejects.toMatchObject({
      code: 'bad-text',
      message: expect.stringMatching(/^"<\|user\|>\\u?d83d" holds/i),
    });
  });

  it('get a space in front where the tokenizer puts one at the start, and not where they go on', async () => {
    const spaced = tokenizerFromJson({
      added_tokens: [
        {
          id: 4,
          content: '<s>',
          special: true,
          single_word: false,
          lstrip: false,
          rstrip: false,
          normalized: false,
        },
      ],
      pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
      model: { type: 'BPE', vocab: { '▁': 0, a: 1, b: 2, '▁a': 3 }, merges: [['▁', 'a']] },
    });
    expect(await spaced.encodeSegments([user('a'), trusted('<s>'), user('a')])).toEqual([3, 4, 1]);
    expect(await spaced.encodeSegments([user('ab')], { continues: true })).toEqual([1, 2]);
  });

  it('tell the places of their tokens in UTF-16 units', async () => {
    expect(await tokenizer.spans('🙂x')).toEqual([
      ...Array.from({ length: 4 }, () => ({ start: 0, end: 2 })),
      { start: 2, end: 3 },
    ]);
  });
});

describe('a file that asks for truncation and padding', () => {
  it('is encoded whole and bare', async () => {
    const padding = {
      strategy: { Fixed: 9 },
      direction: 'Right',
      pad_id: 0,
      pad_type_id: 0,
      pad_token: '<|pad|>',
    };
    const truncation = { direction: 'Right', max_length: 2, strategy: 'LongestFirst', stride: 0 };
    const odd = tokenizerFromJson({ ...json, truncation, padding });
    expect(await odd.encode('xyzw')).toHaveLength(4);
    expect(await odd.encodeTemplate('xyzw')).toHaveLength(4);
  });
});

describe('saving and loading', () => {
  it('keeps the exact contents', async () => {
    const target = join(folder, 'a', 'b');
    await tokenizer.save(target);
    expect(readdirSync(target)).toEqual(['tokenizer.json']);
    expect(readFileSync(join(target, 'tokenizer.json'), 'utf8')).toBe(tokenizer.json);
    for (const path of [target, join(target, 'tokenizer.json')]) {
      const loaded = loadTokenizer(path);
      expect(loaded.json).toBe(tokenizer.json);
      expect(loaded.vocabSize).toBe(tokenizer.vocabSize);
      expect(await loaded.encode('the end 🙂')).toEqual(await tokenizer.encode('the end 🙂'));
    }
    expect(tokenizerFromJson(tokenizer.json).json).toBe(tokenizer.json);
  });

  it('leaves nothing behind when it cannot write', async () => {
    const target = join(folder, 'taken');
    mkdirSync(join(target, 'tokenizer.json', 'in-the-way'), { recursive: true });
    await expect(tokenizer.save(target)).rejects.toMatchObject({ code: 'save-failed' });
    expect(readdirSync(target)).toEqual(['tokenizer.json']);
  });

  it('says what is wrong with a path or file', () => {
    const big = join(folder, 'big.json');
    writeFileSync(big, '');
    truncateSync(big, 200 * 1024 * 1024);
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, tokenizer.json.slice(0, 500));
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const cases = [
      [join(folder, 'none'), 'tokenizer-missing'],
      [empty, 'tokenizer-missing'],
      [big, 'tokenizer-too-large'],
      [broken, 'tokenizer-broken'],
    ] as const;
    for (const [path, code] of cases) {
      expect(() => loadTokenizer(path)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(path), hint: expect.any(String) }),
      );
    }
  });

  it.each([
    { model: { type: 'Nonsense' } },
    { model: { type: 'BPE' } },
    { model: { type: 'BPE', vocab: {}, merges: [['a', 'b']] } },
    {
      ...json,
      pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated', invert: false },
    },
  ])('refuses what the library cannot use (%#)', (value) => {
    expect(() => tokenizerFromJson(value)).toThrow(expect.objectContaining({ code: 'tokenizer-broken' }));
  });
});

it('bounds texts for a pattern that could be slow on them, and not for one that is quick', async () => {
  const split = (Regex: string) => ({
    type: 'Split',
    pattern: { Regex },
    behavior: 'Isolated',
    invert: false,
  });
  const withPattern = (pattern: string) => {
    const made = JSON.parse(JSON.stringify(json));
    return tokenizerFromJson({
      ...made,
      pre_tokenizer: { type: 'Sequence', pretokenizers: [split(pattern), made.pre_tokenizer] },
    });
  };
  const text = 'end '.repeat(3000);
  const quick = withPattern('\\s+(?!\\S)|\\s+');
  expect(await quick.decode(await quick.encode(text))).toBe(text);
  const slow = withPattern('[ \\t]*x');
  expect(await slow.decode(await slow.encode('the end'))).toBe('the end');
  await expect(slow.encode(text)).rejects.toMatchObject({
    code: 'too-long',
    message: 'a text has 12000 characters, more than the limit of 10000 of this tokenizer',
  });
});
