import { expect, it } from 'vitest';
import { hash53, KeySet } from './key-set.js';

it('knows each text once, as a set of the texts does, through many enlargements', () => {
  const keys = new KeySet();
  const texts = new Set<string>();
  for (let i = 0; i < 30_000; i++) {
    const text = `${(i * 7919) % 20_011} \u{1F600}`;
    expect(keys.add(text)).toBe(!texts.has(text));
    texts.add(text);
  }
  expect(keys.size).toBe(texts.size);
  expect(keys.has('0 \u{1F600}')).toBe(true);
  expect(keys.has('0')).toBe(false);
});

it('spreads texts that differ in little over all 53 bits', () => {
  const hashes = Array.from({ length: 20_000 }, (_, i) => hash53(`record ${i}`));
  expect(new Set(hashes).size).toBe(hashes.length);
  for (let bit = 0; bit < 53; bit++) {
    const ones = hashes.filter((hash) => Math.floor(hash / 2 ** bit) % 2 === 1).length;
    // Six standard deviations of a fair coin.
    expect(Math.abs(ones - 10_000)).toBeLessThan(425);
  }
});
