import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { built, missing, onRanks } from '../__fixtures__/ranks.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gram-arrival-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!built)('ranks on several machines, as their threads see them', { timeout: 60_000 }, () => {
  const script = fileURLToPath(new URL('__fixtures__/arrival-rank.mjs', import.meta.url));

  /** Starts one of three ranks on a machine of its own. */
  function start(rank: number, { shares }: { shares: boolean }) {
    const own = join(folder, `machine-${rank}`);
    const settings = {
      rank,
      size: 3,
      localSize: 1,
      member: { host: `node${rank}`, process: 100 + rank },
      folders: shares ? [join(folder, 'shared'), own] : [own],
      limit: 2000,
    };
    const child = spawn(process.execPath, [script, JSON.stringify(settings)]);
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, errors }));
    return { child, ended, watching: once(child.stdout, 'data') };
  }

  it('are named where a folder that all share does not show them, by one of the others', async () => {
    const ranks = [start(0, { shares: true }), start(2, { shares: true })];
    const ends = await Promise.all(ranks.map(({ ended }) => ended));
    expect(ends.map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL']);
    expect(ends.map(({ errors }) => errors).join('')).toBe(
      'gram: rank 1 has not come to be connected within 2 s; all ranks end\n',
    );
  });

  it('are named with their process where they fell silent', async () => {
    const ranks = [0, 1, 2].map((rank) => start(rank, { shares: true }));
    await Promise.all(ranks.map(({ watching }) => watching));
    // Long enough that the others have seen it.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    ranks[1]!.child.kill('SIGSTOP');
    const ends = await Promise.all([ranks[0]!.ended, ranks[2]!.ended]);
    ranks[1]!.child.kill('SIGKILL');
    expect(ends.map(({ errors }) => errors).join('')).toBe(
      'gram: rank 1 (process 101 on node1) has given no sign of life for 2 s before all ranks were connected; all ranks end\n',
    );
  });

  it('say what they cannot see without such a folder', async () => {
    const { signal, errors } = await start(0, { shares: false }).ended;
    expect(signal).toBe('SIGKILL');
    expect(errors).toBe(
      'gram: ranks 1 and 2 have not come to be connected within 2 s (node0 sees only the ranks of its own machine); all ranks end\n',
    );
  });

  it('leave nothing once all are connected', async () => {
    const ranks = [0, 1, 2].map((rank) => start(rank, { shares: true }));
    await Promise.all(ranks.map(({ watching }) => watching));
    expect(readdirSync(join(folder, 'shared')).sort()).toEqual(['rank-0', 'rank-1', 'rank-2']);
    for (const { child } of ranks) child.stdin.write('end\n');
    const ends = await Promise.all(ranks.map(({ ended }) => ended));
    expect(ends).toEqual(Array(3).fill({ code: 0, signal: null, errors: '' }));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('go on where no folder can be used', async () => {
    const file = join(folder, 'machine-0');
    await once(spawn('touch', [file]), 'close');
    const { child, ended, watching } = start(0, { shares: false });
    await watching;
    child.stdin.write('end\n');
    expect(await ended).toMatchObject({ code: 0 });
    expect(existsSync(file)).toBe(true);
  });
});

describe.skipIf(missing !== undefined)('ranks that hang before they are connected', () => {
  it.each([
    [2, 'stop', '4', 'rank 1 has not come to be connected within 4 s'],
    [4, 'sleep', '4', 'rank 3 has not come to be connected within 4 s'],
    [2, 'stop-late', '10', 'has given no sign of life for 10 s before all ranks were connected'],
  ])('are named and ended (%i ranks, %s)', { timeout: 60_000 }, async (ranks, how, limit, why) => {
    const started = Date.now();
    const { code, errors, at } = await onRanks(ranks, 'arrive.mjs', how, limit);
    expect(code).not.toBe(0);
    expect(errors.match(/gram: .*/g)).toEqual([expect.stringContaining(`${why}; all ranks end`)]);
    // On a busy machine the processes themselves take seconds to start.
    expect(at - started).toBeLessThan(Number(limit) * 2000 + 15_000);
  });

  // Sometimes mpirun notices first, and sometimes the others.
  it.each(['die', 'leave'])('do not keep the others when they %s', { timeout: 60_000 }, async (how) => {
    const { code } = await onRanks(2, 'arrive.mjs', how, '10');
    expect(code).not.toBe(0);
  });

  it('are no ranks of a run in which all come, which leaves no signs', { timeout: 60_000 }, async () => {
    const { code, lines, errors } = await onRanks(4, 'arrive.mjs', 'none', '30', folder);
    expect(code, errors).toBe(0);
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatchObject({ left: [] });
    expect(readdirSync(folder)).toEqual([]);
  });
});
