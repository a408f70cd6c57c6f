import { expect, it } from 'vitest';
import { createNumberCache } from './number-cache.js';

it('keeps what was asked about last', () => {
  const cache = createNumberCache(2);
  cache.set([1, 2], [0.5]);
  cache.set([1, 3], [0.25]);
  expect(cache.get([1, 2])).toEqual([0.5]);
  cache.set([4], [1]);
  expect(cache.get([1, 3])).toBeUndefined();
  expect(cache.get([1, 2])).toEqual([0.5]);
  expect(cache.get([4])).toEqual([1]);
});

it('tells sequences apart that look alike', () => {
  const cache = createNumberCache(9);
  cache.set([1, 23], [1]);
  cache.set([256], [2]);
  for (const ids of [[12, 3], [1, 2, 3], [1], [0, 1], [1, 0], [65_536]])
    expect(cache.get(ids)).toBeUndefined();
});

it('keeps nothing where it has no room', () => {
  const cache = createNumberCache(0);
  cache.set([1], [1]);
  expect(cache.get([1])).toBeUndefined();
});
