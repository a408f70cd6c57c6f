import { describe, expect, it } from 'vitest';
import { missing, onRanks } from './__fixtures__/ranks.js';
import { singleProcess } from './communicator.js';

interface Report {
  readonly rank: number;
  readonly faults: readonly string[];
  readonly hash: string;
}

describe('singleProcess', () => {
  it('leaves everything as it is', async () => {
    const values = Float32Array.of(1, 2);
    await singleProcess.allReduceSum(values);
    await singleProcess.allGather(values, [2]);
    await singleProcess.broadcast(values);
    const into = new Float32Array(2);
    await singleProcess.reduceScatterSum(values, [2], into);
    expect([...values, ...into]).toEqual([1, 2, 1, 2]);
    expect(await singleProcess.patiently(() => 3)).toBe(3);
  });
});

describe.skipIf(missing !== undefined)('the communicator on MPI', () => {
  it.each([1, 2, 3])(
    'does what it says on %i ranks, with the same bits on each',
    {
      timeout: 120_000,
    },
    async (ranks) => {
      const { code, lines, errors } = await onRanks(ranks, 'conformance.mjs');
      expect(code, errors).toBe(0);
      const reports = lines as Report[];
      expect(reports.map(({ rank }) => rank).sort()).toEqual(Array.from({ length: ranks }, (_, i) => i));
      expect(reports.flatMap(({ faults }) => faults)).toEqual([]);
      expect(new Set(reports.map(({ hash }) => hash)).size).toBe(1);
    },
  );

  it.each([
    ['kill', 'ended without taking leave', 6000],
    ['leave', 'ended without taking leave', 6000],
    ['freeze', 'has given no sign of life for 5 s', 13_000],
    ['idle', 'has kept the others waiting for 5 s', 13_000],
  ])('names a rank that is lost (%s) and ends the others', { timeout: 60_000 }, async (how, why, bound) => {
    const { code, errors, lines, at } = await onRanks(2, 'lost-rank.mjs', how, '5');
    expect(code).not.toBe(0);
    expect(errors).toMatch(new RegExp(`gram: rank 1 \\(process \\d+ on .+\\) ${why}`));
    const [{ lost }] = lines as [{ lost: number }];
    expect(at - lost).toBeLessThan(bound);
  });

  it('ends all ranks with the reason that one of them gives', { timeout: 60_000 }, async () => {
    const { code, errors } = await onRanks(2, 'lost-rank.mjs', 'abort', '5');
    expect(code).not.toBe(0);
    expect(errors).toMatch(/gram: rank 1 \(process \d+ on .+\): the disk is full/);
  });
});
