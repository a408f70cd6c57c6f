import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gradientGroups } from './gradient-groups.js';

const shapes = (...sizes: number[]) =>
  Object.fromEntries(sizes.map((size, i) => [`w${i}`, { shape: [size] }] as const));

it('go from the last weight to the first, each until it has enough bytes', () => {
  expect(gradientGroups(shapes(4, 1, 1, 2, 1), 8)).toEqual([['w4', 'w3'], ['w2', 'w1'], ['w0']]);
  expect(gradientGroups(shapes(1, 1, 1), 100)).toEqual([['w2', 'w1', 'w0']]);
  expect(gradientGroups(shapes(3), 1)).toEqual([['w0']]);
});

it('are no more than 16, however large the weights are', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 10_000 }), (lengths, bytes) => {
      const groups = gradientGroups(shapes(...lengths), bytes);
      expect(groups.length).toBeLessThanOrEqual(16);
      expect(groups.flat()).toEqual(lengths.map((_, i) => `w${i}`).reverse());
      const sizeOfGroup = (names: readonly string[]) =>
        names.reduce((sum, name) => sum + 4 * lengths[Number(name.slice(1))]!, 0);
      for (const group of groups.slice(0, -1)) expect(sizeOfGroup(group)).toBeGreaterThanOrEqual(bytes);
    }),
  );
});
