import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenizerFromJson } from '../library.js';
import { byteAlphabet, splitPreTokens } from './pre-tokens.js';
import { trainBpe, trainBpeAsync } from './train-bpe.js';

const fixture = (name: string) => new URL(`./__fixtures__/${name}`, import.meta.url);
const readJson = (name: string) => JSON.parse(readFileSync(fixture(name), 'utf8'));
const corpus: { train: string[]; encode: string[] } = readJson('corpus.json');
const expected: { vocab: string[]; merges: string[]; ids: number[][] } = readJson('expected.json');
const specialTokens = ['<|pad|>', '<|end|>', '<|user|>'];

interface Trained {
  model: { vocab: Record<string, number>; merges: string[] };
}
const train = (texts: Iterable<string>, vocabSize = 400, special = specialTokens) =>
  trainBpe({ texts, vocabSize, specialTokens: special }) as Trained;

const bytesOf = (token: string) => Array.from(Buffer.from(token), (byte) => byteAlphabet[byte]!);

/** Joins each `left right`, from left to right. */
function join(symbols: readonly string[], left: string, right: string): string[] {
  const result: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const match = symbols[i] === left && symbols[i + 1] === right;
    result.push(match ? left + right : symbols[i]!);
    if (match) i++;
  }
  return result;
}

/** The textbook loop: count all pairs anew at each step. */
function naiveTrain(texts: readonly string[], merges: number): string[] {
  let words = texts.flatMap((text) => splitPreTokens(text).map(bytesOf));
  const rank = new Map([...byteAlphabet].sort().map((symbol, index) => [symbol, index]));
  const learned: string[] = [];
  while (learned.length < merges) {
    const counts = new Map<string, number>();
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        const pair = `${word[i]} ${word[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const ranks = (pair: string) => pair.split(' ').map((symbol) => rank.get(symbol)!);
    const [best] = [...counts].sort(([a, n], [b, m]) => {
      const [a0 = 0, a1 = 0] = ranks(a);
      const [b0 = 0, b1 = 0] = ranks(b);
      return m - n || a0 - b0 || a1 - b1;
    });
    if (!best || best[1] < 2) break;
    const [left = '', right = ''] = best[0].split(' ');
    words = words.map((word) => join(word, left, right));
    rank.set(left + right, rank.size);
    learned.push(best[0]);
  }
  return learned;
}

/** Applies every merge in the order learned, which is what byte-pair encoding means. */
function naiveEncode({ model }: Trained, text: string): number[] {
  return splitPreTokens(text).flatMap((token) => {
    let symbols = bytesOf(token);
    for (const merge of model.merges) {
      const [left = '', right = ''] = merge.split(' ');
      symbols = join(symbols, left, right);
    }
    return symbols.map((symbol) => model.vocab[symbol]!);
  });
}

/** Few letters, so that merges abound; characters of old Unicode versions, which every library knows. */
const someText = fc
  .array(fc.constantFrom(...'aaabbc AB  12\n\t.,!<|>é日本ل🙂\u0301\u0000\u00a0\ufeff\u0085'.split(/(?:)/u)), {
    maxLength: 60,
  })
  .map((parts) => parts.join(''));

describe('trainBpe', () => {
  it('learns what the textbook loop learns', () => {
    fc.assert(
      fc.property(fc.array(someText, { maxLength: 8 }), (texts) => {
        expect(train(texts, 299, []).model.merges).toEqual(naiveTrain(texts, 43));
      }),
      { numRuns: 60 },
    );
    expect(train(corpus.train, 400).model.merges).toEqual(naiveTrain(corpus.train, 141));
  });

  it('gives the ids of the merges applied in order', async () => {
    const json = train(corpus.train);
    const tokenizer = tokenizerFromJson(json);
    await fc.assert(
      fc.asyncProperty(someText, async (text) => {
        expect(await tokenizer.encode(text)).toEqual(naiveEncode(json, text));
      }),
    );
  });

  it('loses no text', async () => {
    const tokenizer = tokenizerFromJson(train(['only these words']));
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (text) => {
        expect(await tokenizer.decode(await tokenizer.encode(text))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order of the texts', () => {
    expect(train([...corpus.train].reverse())).toEqual(train(corpus.train));
  });

  it('keeps digits, "A" and "B" single', async () => {
    const tokenizer = tokenizerFromJson(train(Array(9).fill('123 123 A1 AB AB BA 77')));
    expect(await tokenizer.encode('A')).toHaveLength(1);
    expect(await tokenizer.encode('B')).toHaveLength(1);
    expect(await tokenizer.encode('123')).toHaveLength(3);
  });

  it('is the same in turns, in which others have theirs', async () => {
    const options = { vocabSize: 420, specialTokens: [] };
    /** The texts, slow enough for some turns. */
    function* slowly() {
      for (const [index, text] of corpus.train.entries()) {
        yield text;
        for (const end = performance.now() + (index < 3 ? 60 : 0); performance.now() < end; );
      }
    }
    const seen: number[] = [];
    let others = 0;
    const clock = setInterval(() => others++, 1);
    const onProgress = (done: number) => void seen.push(done);
    const json = await trainBpeAsync({ ...options, texts: slowly(), onProgress });
    clearInterval(clock);
    expect(json).toEqual(trainBpe({ ...options, texts: corpus.train }));
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(others).toBeGreaterThan(1);
    const stop = new AbortController();
    const stopped = trainBpeAsync({
      ...options,
      texts: slowly(),
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
  });

  it('stops when no pair occurs twice', () => {
    expect(train(['ab ab'], 1000).model.merges).toEqual(['a b']);
    expect(train([], 1000).model.merges).toEqual([]);
  });

  it.each([
    { vocabSize: 258, special: specialTokens, names: 'vocabSize is 258' },
    { vocabSize: 300.5, special: specialTokens, names: 'vocabSize is 300.5' },
    { vocabSize: 300, special: ['<|a|>', '<|a|>'], names: '"<|a|>"' },
    { vocabSize: 300, special: ['A'], names: '"A"' },
    { vocabSize: 300, special: ['<| end|>'], names: '"<| end|>"' },
    { vocabSize: 300, special: [''], names: '""' },
  ])('refuses $names', ({ vocabSize, special, names }) => {
    expect(() => train([], vocabSize, special)).toThrow(
      expect.objectContaining({ code: 'bad-bpe-options', message: expect.stringContaining(names) }),
    );
  });
});

describe('Hugging Face in Python', () => {
  const json = train(corpus.train, 420);

  it('read the file that trainBpe makes today', async () => {
    await expect(`${JSON.stringify(json, null, 1)}\n`).toMatchFileSnapshot('./__fixtures__/tokenizer.json');
  });

  it('learns the same vocabulary and merges', () => {
    const { vocab, merges } = json.model;
    expect(merges).toEqual(expected.merges);
    expect(Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!)).toEqual(expected.vocab);
  });

  it('gives the same ids', async () => {
    const tokenizer = tokenizerFromJson(json);
    for (const [index, text] of corpus.encode.entries()) {
      expect(await tokenizer.encodeTemplate(text), JSON.stringify(text)).toEqual(expected.ids[index]);
      if (!text.includes('<|')) {
        expect(await tokenizer.encode(text), JSON.stringify(text)).toEqual(expected.ids[index]);
      }
    }
  });
});
