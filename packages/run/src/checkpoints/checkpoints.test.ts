import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bestRecord } from './best.js';
import { checkpointPath, latestCheckpoint, pruneSnapshots, snapshotPath } from './checkpoints.js';
import { fingerprint } from './fingerprint.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gram-checkpoints-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('finds the newest checkpoint and keeps the newest ones and the named steps', async () => {
  expect(await latestCheckpoint(directory)).toBeUndefined();
  for (const step of [2, 4, 10, 100]) await mkdir(checkpointPath(directory, step));
  await mkdir(snapshotPath(directory, 'best', 2));
  await mkdir(join(directory, 'checkpoint-12'));
  expect(await latestCheckpoint(directory)).toBe(checkpointPath(directory, 100));
  await pruneSnapshots(directory, 'checkpoint', { newest: 2, steps: [2] });
  expect((await readdir(directory)).sort()).toEqual([
    'best-0000002',
    'checkpoint-0000002',
    'checkpoint-0000010',
    'checkpoint-0000100',
    'checkpoint-12',
  ]);
  await pruneSnapshots(directory, 'best', { newest: 0 });
  expect(await readdir(directory)).not.toContain('best-0000002');
});

it('is content with a directory that is not there', async () => {
  expect(await latestCheckpoint(join(directory, 'none'))).toBeUndefined();
});

it('chooses the lowest finite score, the first of equal ones', () => {
  const of = (scores: (number | undefined)[]) =>
    bestRecord(
      scores.map((score, step) => ({ step, score })),
      ({ score }) => score,
    )?.step;
  expect(of([undefined, 3, 2, 2, Number.NaN, Number.NEGATIVE_INFINITY])).toBe(2);
  expect(of([undefined])).toBeUndefined();
});

it('gives a fingerprint that depends on values and contents and not on the order of keys', () => {
  const one = fingerprint({ a: 1, b: { c: 2, d: 3 } }, ['x']);
  expect(fingerprint({ b: { d: 3, c: 2 }, a: 1 }, ['x'])).toBe(one);
  expect(fingerprint({ a: 1, b: { c: 2, d: 4 } }, ['x'])).not.toBe(one);
  expect(fingerprint({ a: 1, b: { c: 2, d: 3 } }, ['y'])).not.toBe(one);
});
