import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { togetherInOneProcess } from './__fixtures__/in-process.js';
import { copyFromFirst, gatherShares, sumEverywhere, sumShares } from './buckets.js';
import { FlatArrays } from './flat-arrays.js';

describe('FlatArrays', () => {
  const arrays = () => [Float32Array.of(0, 1, 2), new Float32Array(0), { length: 2 }, Float32Array.of(5, 6)];

  it('reads over the borders of arrays, and passes over what is not here', () => {
    const into = new Float32Array(5).fill(-1);
    new FlatArrays(arrays()).read(2, into);
    expect([...into]).toEqual([2, -1, -1, 5, 6]);
  });

  it('writes what it reads', () => {
    const pieces = arrays();
    new FlatArrays(pieces).write(1, Float32Array.of(10, 20, 30, 40, 50));
    expect(pieces).toEqual([
      Float32Array.of(0, 10, 20),
      new Float32Array(0),
      { length: 2 },
      Float32Array.of(50, 6),
    ]);
  });

  it('shows the memory of a range in one array only', () => {
    const pieces = arrays();
    const flat = new FlatArrays(pieces);
    expect(flat.length).toBe(7);
    expect(flat.view(1, 3)).toEqual(Float32Array.of(1, 2));
    expect(flat.view(2, 4)).toBeUndefined();
    expect(flat.view(3, 5)).toBeUndefined();
    flat.view(5, 7)![0] = 9;
    expect(pieces[3]).toEqual(Float32Array.of(9, 6));
  });
});

describe('buckets of any size', () => {
  /** Lengths of the arrays of each share, and the size of a bucket. */
  const layouts = fc.record({
    shares: fc.array(fc.array(fc.nat(9), { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
    bucket: fc.integer({ min: 1, max: 12 }),
  });
  const value = (rank: number, owner: number, array: number, i: number) =>
    1000 * rank + 100 * owner + 10 * array + i;
  const filled = (shares: readonly (readonly number[])[], rank: number) =>
    shares.map((lengths, owner) =>
      lengths.map((length, array) => Float32Array.from({ length }, (_, i) => value(rank, owner, array, i))),
    );

  it('sum every array on every rank', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async ({ shares, bucket }) => {
        const ranks = shares.length;
        const arrays = shares.map((_, rank) => filled(shares, rank).flat());
        const wanted = arrays[0]!.map((list, a) =>
          list.map((_, i) => arrays.reduce((sum, own) => sum + own[a]![i]!, 0)),
        );
        await togetherInOneProcess(ranks, (communicator) =>
          sumEverywhere(communicator, new FlatArrays(arrays[communicator.rank]!), bucket),
        );
        for (const own of arrays) expect(own).toEqual(wanted);
      }),
    );
  });

  it('sum each share on its rank', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async ({ shares, bucket }) => {
        const ranks = shares.length;
        const before = shares.map((_, rank) => filled(shares, rank));
        const after = shares.map((_, rank) => filled(shares, rank));
        await togetherInOneProcess(ranks, (communicator) =>
          sumShares(
            communicator,
            after[communicator.rank]!.map((arrays) => new FlatArrays(arrays)),
            bucket,
          ),
        );
        for (const rank of shares.keys()) {
          const wanted = before[0]![rank]!.map((list, a) =>
            list.map((_, i) => before.reduce((sum, own) => sum + own[rank]![a]![i]!, 0)),
          );
          expect(after[rank]![rank]).toEqual(wanted);
        }
      }),
    );
  });

  it('bring each share from its rank to all that have room for it', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async ({ shares, bucket }) => {
        const arrays = shares.map((_, rank) => filled(shares, rank));
        // Rank 0 takes all, the others have their own only.
        await togetherInOneProcess(shares.length, ({ rank, ...rest }) =>
          gatherShares(
            { rank, ...rest },
            arrays[rank]!.map(
              (list, owner) =>
                new FlatArrays(rank === 0 || rank === owner ? list : list.map(({ length }) => ({ length }))),
            ),
            bucket,
          ),
        );
        expect(arrays[0]).toEqual(shares.map((_, owner) => filled(shares, owner)[owner]));
        expect(arrays.slice(1)).toEqual(shares.slice(1).map((_, i) => filled(shares, i + 1)));
      }),
    );
  });

  it('copy everything from rank 0', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async ({ shares, bucket }) => {
        const arrays = shares.map((_, rank) => filled(shares, rank).flat());
        await togetherInOneProcess(shares.length, (communicator) =>
          copyFromFirst(communicator, new FlatArrays(arrays[communicator.rank]!), bucket),
        );
        for (const own of arrays) expect(own).toEqual(filled(shares, 0).flat());
      }),
    );
  });
});
