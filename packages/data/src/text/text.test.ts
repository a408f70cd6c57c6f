import { createRandom } from '@gram/base';
import { describe, expect, it } from 'vitest';
import { agreement, createSignatureIndex, minHash } from './minhash.js';
import { shingles } from './shingles.js';
import { hashWords, normalizedText } from './words.js';

const words = (text: string) => Array.from(hashWords(text).low);

describe('words', () => {
  it.each([
    ["It's A  test.", 'it s a test'],
    ['ﬁne １２３ Café', 'fine 123 café'],
    ['x-1=y', 'x - 1 = y'],
    ['हिन्दी भाषा', 'हिन्दी भाषा'],
    ['日本語 ok', '日 本 語 ok'],
    ['ทำ', 'ท ำ'],
  ])('of %s', (text, spaced) => {
    const expected = spaced.split(' ');
    expect(words(text)).toEqual(expected.flatMap((word) => words(word)));
    expect(words(text).length).toBeGreaterThanOrEqual(expected.length);
  });

  it('differ', () => {
    const random = createRandom(1, 'words');
    const letters = 'abcdefghij';
    const texts = new Set(
      Array.from({ length: 20_000 }, () =>
        Array.from({ length: 6 }, () => letters[random.integer(10)]).join(''),
      ),
    );
    expect(new Set([...texts].map((text) => words(text)[0])).size).toBe(texts.size);
  });

  it('do not matter to normalized texts, whose punctuation stays', () => {
    expect(normalizedText('  A\n\tﬁne\u00a0Day! ')).toBe('a fine day!');
  });
});

describe('shingles', () => {
  it('are runs of words', () => {
    const all = shingles(hashWords('a b c d a b c'), 3);
    expect(all).toHaveLength(5);
    expect(all[0]).toBe(all[4]);
    expect(new Set(all).size).toBe(4);
    expect(shingles(hashWords('a b'), 3)).toHaveLength(1);
    expect(shingles(hashWords('a b'), 3)).not.toEqual(shingles(hashWords('b a'), 3));
    expect(shingles(hashWords('?!'), 3)).toHaveLength(0);
    for (const hash of all) expect(Number.isSafeInteger(hash)).toBe(true);
  });
});

describe('signatures', () => {
  const random = createRandom(2, 'sets');
  const elements = (count: number) => Array.from({ length: count }, () => random.integer(2 ** 53 - 1));

  /** Two sets of 300 elements with the Jaccard similarity `s`. */
  const alike = (s: number) => {
    const shared = elements(Math.round((600 * s) / (1 + s)));
    const side = () => Float64Array.from([...shared, ...elements(300 - shared.length)]);
    return [side(), side()] as const;
  };

  it('estimate the similarity of sets without bias', () => {
    for (const s of [0, 0.5, 0.8, 1]) {
      const estimates = Array.from({ length: 20 }, () => {
        const [a, b] = alike(s);
        return agreement(minHash(a), minHash(b));
      });
      const mean = estimates.reduce((sum, one) => sum + one, 0) / estimates.length;
      // The mean of 20 estimates over 112 places each has a standard deviation of at most 0.011.
      expect(Math.abs(mean - s), `similarity ${s}`).toBeLessThan(0.04);
    }
  });

  it('are found in an index as often as the bands promise', () => {
    const index = createSignatureIndex();
    const pairs = Array.from({ length: 60 }, () => alike(0.95));
    for (const [a] of pairs) index.add(minHash(a));
    const found = pairs.filter(([, b], at) => index.find(minHash(b), 0.8) === at).length;
    expect(found).toBeGreaterThanOrEqual(59);
    const strangers = Array.from({ length: 60 }, () => minHash(Float64Array.from(elements(300))));
    expect(strangers.filter((signature) => index.find(signature, 0.8) !== undefined)).toEqual([]);
  });
});
