import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BaseError } from '../error.js';
import { createRandom } from './random.js';

it('gives the pinned values on every platform', () => {
  const random = createRandom(1, 'golden', 2);
  const values = [random.uniform(), random.uniform(), random.integer(1000), random.integer(1000)];
  expect(values).toMatchInlineSnapshot(`
    [
      0.5697485201240617,
      0.6562759883452922,
      563,
      499,
    ]
  `);
  expect([
    random.normal(),
    random.pick(['a', 'b', 'c']),
    random.shuffle([1, 2, 3, 4, 5]),
  ]).toMatchInlineSnapshot(`
    [
      0.8762989129305196,
      "c",
      [
        3,
        1,
        2,
        4,
        5,
      ],
    ]
  `);
});

it('separates streams by seed, name and type of name, and by where a name ends', () => {
  const first = (...key: Parameters<typeof createRandom>) => createRandom(...key).uniform();
  const values = [
    first(1),
    first(2),
    first(1, 'a'),
    first(1, 1),
    first(1, '1'),
    first(1, 'ab'),
    first(1, 'a', 'b'),
  ];
  expect(new Set(values).size).toBe(values.length);
  expect(first(1, 'a', 'b')).toBe(first(1, 'a', 'b'));
});

it('stays in range and covers it', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 50 }), (seed, n) => {
      const random = createRandom(seed);
      for (let draw = 0; draw < 20; draw++) {
        const [uniform, integer] = [random.uniform(), random.integer(n)];
        expect(uniform >= 0 && uniform < 1 && Number.isInteger(integer) && integer >= 0 && integer < n).toBe(
          true,
        );
      }
    }),
  );
});

it('has the moments of the uniform and the normal distribution', () => {
  const random = createRandom(7);
  const count = 20_000;
  const [uniform, normal] = [random.uniform, random.normal].map((draw) =>
    Array.from({ length: count }, draw),
  ) as [number[], number[]];
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / count;
  const variance = (values: number[]) => mean(values.map((value) => value ** 2)) - mean(values) ** 2;
  expect(mean(uniform)).toBeCloseTo(0.5, 1.9);
  expect(variance(uniform)).toBeCloseTo(1 / 12, 2);
  expect(mean(normal)).toBeCloseTo(0, 1);
  expect(variance(normal)).toBeCloseTo(1, 1);
});

it('shuffles without touching its argument, every order about as often', () => {
  const random = createRandom(3);
  const items = ['a', 'b', 'c'];
  const counts = new Map<string, number>();
  for (let draw = 0; draw < 6000; draw++) {
    const order = random.shuffle(items).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(items).toEqual(['a', 'b', 'c']);
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

it('refuses bad seeds and ranges', () => {
  expect(() => createRandom(Number.NaN)).toThrow(BaseError);
  expect(() => createRandom(0).integer(0)).toThrow(BaseError);
  expect(() => createRandom(0).integer(1.5)).toThrow(BaseError);
  expect(() => createRandom(0).pick([])).toThrow(BaseError);
});
