import { describe, expect, it } from 'vitest';
import { type Arrival, findAbsent } from './absent.js';

const limit = 60_000;
const at = (host: string, process: number, [first, last]: readonly [number, number]): Arrival => ({
  seen: { first, last, member: { host, process } },
  isConnected: false,
});
const absent: Arrival = { seen: undefined, isConnected: false };
const find = (now: number, arrivals: readonly Arrival[], localSize?: number) =>
  findAbsent({ arrivals, start: 0, localSize, host: 'node7' }, now, limit);

describe('findAbsent', () => {
  it('names ranks that do not come, once the limit is over', () => {
    const arrivals = [at('node7', 1, [0, 59_000]), absent, absent, absent];
    expect(find(60_000, arrivals, 4)).toBeUndefined();
    expect(find(60_001, arrivals, 4)).toBe('ranks 1, 2 and 3 have not come to be connected within 60 s');
    const two = [at('node7', 1, [0, 59_000]), absent];
    expect(find(60_001, two, 2)).toBe('rank 1 has not come to be connected within 60 s');
  });

  it('names a rank that came and fell silent, with its process, but not one that is connected', () => {
    const arrivals = [at('node7', 1, [0, 99_000]), at('node8', 4711, [0, 30_000])];
    expect(find(90_000, arrivals)).toBeUndefined();
    expect(find(90_001, arrivals)).toBe(
      'rank 1 (process 4711 on node8) has given no sign of life for 60 s before all ranks were connected',
    );
    expect(find(90_001, [arrivals[0]!, { ...arrivals[1]!, isConnected: true }])).toBeUndefined();
  });

  it('lets a machine that knows more speak first, and says what it cannot see', () => {
    // All ranks of this machine are here.
    const blind = [at('node7', 1, [0, 60_000]), at('node7', 2, [0, 60_000]), absent, absent];
    expect(find(60_001, blind, 2)).toBeUndefined();
    expect(find(65_001, blind, 2)).toBe(
      'ranks 2 and 3 have not come to be connected within 60 s (node7 sees only the ranks of its own machine)',
    );
    // One of this machine is missing.
    expect(find(60_001, [blind[0]!, absent, absent, absent], 2)).toMatch(/^ranks 1, 2 and 3 have not come/);
    // A folder that all share shows the others.
    const sighted = [...blind.slice(0, 2), at('node8', 3, [0, 60_000]), absent];
    expect(find(60_001, sighted, 2)).toBe('rank 3 has not come to be connected within 60 s');
  });

  it('says that MPI does not connect ranks that all live, counted from the last that came', () => {
    const arrivals = (now: number) => [at('node7', 1, [0, now]), at('node7', 2, [50_000, now])];
    expect(find(110_000, arrivals(110_000), 2)).toBeUndefined();
    expect(find(110_001, arrivals(110_001), 2)).toBe(
      'MPI has not connected the ranks within 60 s, although all of them live',
    );
    // One has not been heard of for a while: whether it still lives is not known yet.
    expect(find(110_001, [at('node7', 1, [0, 110_000]), at('node7', 2, [0, 75_000])], 2)).toBeUndefined();
  });

  it('does not list hundreds', () => {
    const arrivals = [at('node7', 1, [0, 59_000]), ...Array.from({ length: 300 }, () => absent)];
    expect(find(60_001, arrivals, 301)).toMatch(/^ranks 1, 2, .*, 20 and 280 more have not come/);
  });
});
