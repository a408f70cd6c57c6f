import { float32 } from '@gram/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharesOf, slicesOf, wholeShares } from './partition.js';

const cut = { isElementwise: true, device: 'cpu' } as const;
const sizeOf = (share: readonly { start: number; end: number }[]) =>
  share.reduce((sum, { start, end }) => sum + end - start, 0);

describe('sharesOf', () => {
  it('gives every number of every array to one rank, in slices that begin at multiples of 64', () => {
    const layouts = fc.record({
      lengths: fc.array(fc.nat(2000), { minLength: 1, maxLength: 6 }),
      ranks: fc.integer({ min: 1, max: 9 }),
      isElementwise: fc.boolean(),
    });
    fc.assert(
      fc.property(layouts, ({ lengths, ranks, isElementwise }) => {
        const arrays = Object.fromEntries(lengths.map((length, i) => [`w${i}`, { shape: [length] }]));
        const shares = sharesOf(arrays, ranks, { ...cut, isElementwise });
        expect(shares).toHaveLength(ranks);
        const owners = lengths.map((length) => new Array<number>(length).fill(0));
        for (const share of shares) {
          expect(new Set(share.map(({ name }) => name)).size).toBe(share.length);
          for (const { name, start, end } of share) {
            expect(start % 64).toBe(0);
            for (let i = start; i < end; i++) owners[Number(name.slice(1))]![i]!++;
          }
        }
        expect(owners.flat().every((count) => count === 1)).toBe(true);
      }),
    );
  });

  it('gives each of 8 ranks an eighth of a model whose embedding is half of it', () => {
    // Llama-3.2-1B: the embedding of 128,256 tokens has 263 of 1,236 M parameters; here it is half of all.
    const arrays = {
      embedding: { shape: [128_256, 64] },
      ...Object.fromEntries(
        Array.from({ length: 32 }, (_, i) => [`w${i}`, { shape: i % 2 === 0 ? [4000, 128] : [128] }]),
      ),
    };
    const total = Object.values(arrays).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    const sizes = sharesOf(arrays, 8, cut).map(sizeOf);
    expect(Math.max(...sizes)).toBeLessThan(1.001 * (total / 8));
    // Whole tensors put the embedding on one rank.
    expect(Math.max(...wholeShares(arrays, 8).map(sizeOf))).toBeGreaterThan(3.5 * (total / 8));
  });

  it.each([
    ['of an optimizer that needs whole arrays', { isElementwise: false, device: 'cpu' }],
    ['on a device whose arrays cannot be cut', { isElementwise: true, device: 'webgpu' }],
  ] as const)('deals whole arrays out %s', (_, options) => {
    const arrays = { a: { shape: [1000] }, b: { shape: [20, 20] }, c: { shape: [399] }, d: { shape: [] } };
    expect(sharesOf(arrays, 2, options)).toEqual([
      [{ name: 'a', start: 0, end: 1000 }],
      [
        { name: 'b', start: 0, end: 400 },
        { name: 'c', start: 0, end: 399 },
        { name: 'd', start: 0, end: 1 },
      ],
    ]);
  });
});

describe('slicesOf', () => {
  it('shares the memory, and keeps matrices apart from vectors', () => {
    const arrays = {
      a: float32([2, 3], [1, 2, 3, 4, 5, 6]),
      b: float32([4], [1, 2, 3, 4]),
      c: float32([2, 1], [1, 2]),
    };
    const slices = slicesOf(arrays, [
      { name: 'a', start: 1, end: 5 },
      { name: 'b', start: 2, end: 4 },
      { name: 'c', start: 0, end: 2 },
    ]);
    expect(Object.values(slices).map(({ shape }) => shape)).toEqual([[1, 4], [2], [2, 1]]);
    slices.a!.data[0] = 9;
    expect(arrays.a.data[1]).toBe(9);
    expect(slices.c).toBe(arrays.c);
  });
});
