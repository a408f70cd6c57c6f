import { float32, type NDArray } from '@gram/engine';
import { describe, expect, it } from 'vitest';
import { adafactor } from '../optimizers/adafactor.js';
import { adamW } from '../optimizers/adamw.js';
import { togetherInOneProcess } from './__fixtures__/in-process.js';
import { dataParallel } from './data-parallel.js';

const shapes = { embedding: { shape: [40, 8] }, norm: { shape: [8] }, head: { shape: [8, 33] } };
const names = Object.keys(shapes);

/** Whole numbers, whose sums are exact. */
const gradientsOf = (rank: number): Readonly<Record<string, NDArray<'float32'>>> =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, { shape }], k) => {
      const length = shape.reduce((product, n) => product * n, 1);
      return [
        name,
        float32(
          shape,
          Float32Array.from({ length }, (_, i) => (i * (rank + 2) + k) % 101),
        ),
      ];
    }),
  );

const ranks = [0, 1, 2];
const wanted = (name: string) => {
  const all = ranks.map((rank) => gradientsOf(rank)[name]!.data);
  return all[0]!.map((_, i) => all.reduce((sum, values) => sum + values[i]!, 0));
};

describe('gradients of several ranks', () => {
  const cases = (['none', 'zero1', 'zero2'] as const).flatMap((sharding) =>
    [adamW(), adafactor()].flatMap((optimizer) =>
      [[[...names]], names.map((name) => [name]).reverse()].map((groups) => ({
        sharding,
        optimizer,
        groups,
      })),
    ),
  );

  it.each(cases)(
    'are summed where they are updated ($sharding, $optimizer.name, groups $groups)',
    async ({ sharding, optimizer, groups }) => {
      const seen = new Map<string, number>();
      await togetherInOneProcess(ranks.length, async (communicator) => {
        const parallel = dataParallel(communicator, shapes, { optimizer, sharding, device: 'cpu' });
        const gradients = gradientsOf(communicator.rank);
        expect(await parallel.gradientGroups(gradients)).toEqual([names]);
        const named = groups.map((group) =>
          Object.fromEntries(group.map((name) => [name, gradients[name]!] as const)),
        );
        const sums = parallel.gradientSums(named);
        for (const group of named.keys()) sums.begin(group);
        await sums.end();
        const own = parallel.updated(gradients);
        const slices = parallel.shares?.[communicator.rank];
        for (const [name, array] of Object.entries(own)) {
          const { start, end } = slices?.find((slice) => slice.name === name) ?? { start: 0, end: undefined };
          expect([...(array as NDArray).data]).toEqual([...wanted(name).slice(start, end)]);
          seen.set(name, (seen.get(name) ?? 0) + (array as NDArray).data.length);
        }
      });
      const times = sharding === 'none' ? ranks.length : 1;
      for (const name of names) expect(seen.get(name)).toBe(times * wanted(name).length);
    },
  );
});
