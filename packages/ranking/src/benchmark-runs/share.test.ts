import { expect, it } from 'vitest';
import { takeShare } from './share.js';

const items = (...sizes: number[]) =>
  sizes.flatMap((size, subset) =>
    Array.from({ length: size }, (_, at) => ({
      id: `${subset}/${at}`,
      subset: `${subset}`,
      prompt: 'p',
      responses: ['a', 'b'],
      pairs: [[0, 1]] as const,
      preferred: 'first' as const,
    })),
  );
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).join(' ');

it('takes a share of each subset, its first items, in their order', () => {
  expect(ids(takeShare(items(8, 4, 1), 5))).toBe('0/0 0/1 0/2 1/0 2/0');
  expect(ids(takeShare(items(1, 100), 4))).toBe('0/0 1/0 1/1 1/2');
});

it('takes from the largest subsets where there are fewer than subsets, and all where there are no more', () => {
  expect(ids(takeShare(items(1, 2, 3), 2))).toBe('1/0 2/0');
  expect(takeShare(items(2, 2), 9)).toHaveLength(4);
});

it('takes as many as it is asked for', () => {
  for (let count = 1; count <= 20; count++) expect(takeShare(items(9, 3, 7, 1), count)).toHaveLength(count);
});
