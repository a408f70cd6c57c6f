import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bestStep } from '../metrics.js';
import {
  checkpointPath,
  latestCheckpoint,
  listCheckpoints,
  pruneCheckpoints,
  stepOfPath,
} from './checkpoints.js';
import { differingParts, fingerprintOf, fingerprintOfWeights } from './fingerprint.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gram-checkpoints-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('finds the newest checkpoint and keeps the named steps', async () => {
  expect(await latestCheckpoint(directory)).toBeUndefined();
  for (const step of [2, 4, 10, 100]) await mkdir(checkpointPath(directory, step));
  await mkdir(join(directory, 'checkpoint-12'));
  await mkdir(join(directory, 'checkpoint-0000200.gram-tmp'));
  expect(await latestCheckpoint(directory)).toBe(checkpointPath(directory, 100));
  expect((await listCheckpoints(directory)).map(stepOfPath)).toEqual([2, 4, 10, 100]);
  await pruneCheckpoints(directory, (step) => step === 2 || step >= 10);
  expect((await readdir(directory)).sort()).toEqual([
    'checkpoint-0000002',
    'checkpoint-0000010',
    'checkpoint-0000100',
    'checkpoint-0000200.gram-tmp',
    'checkpoint-12',
  ]);
});

it('is content with a directory that is not there', async () => {
  expect(await latestCheckpoint(join(directory, 'none'))).toBeUndefined();
});

it('chooses the best finite number, the first of equal ones, in the direction that is declared', () => {
  const of = (better: 'lower' | 'higher', numbers: (number | undefined)[]) =>
    bestStep(
      numbers.map((loss, step) => ({ step, ...(loss !== undefined && { validation: { loss } }) })),
      { bestBy: [{ name: 'loss', better }] },
    );
  expect(of('lower', [undefined, 3, 2, 2, Number.NaN, Number.NEGATIVE_INFINITY])).toBe(2);
  expect(of('higher', [undefined, 3, 4, 4, Number.NaN, Number.POSITIVE_INFINITY])).toBe(2);
  expect(of('lower', [undefined])).toBeUndefined();
});

it('chooses by the first number that an evaluation has', () => {
  const metrics = {
    bestBy: [
      { name: 'heldOut', better: 'higher' },
      { name: 'reward', better: 'higher' },
    ],
  } as const;
  const record = (step: number, validation: { reward: number; heldOut?: number }) => ({ step, validation });
  expect(
    bestStep([record(1, { reward: 9, heldOut: 1 }), record(2, { reward: 3, heldOut: 2 })], metrics),
  ).toBe(2);
  expect(bestStep([record(1, { reward: 9 }), record(2, { reward: 3 })], metrics)).toBe(1);
});

it('gives a fingerprint that depends on values and contents and not on the order of keys', () => {
  const one = fingerprintOf({ a: 1, b: { c: 2, d: 3 } }, ['x']);
  expect(fingerprintOf({ b: { d: 3, c: 2 }, a: 1 }, ['x'])).toBe(one);
  expect(fingerprintOf({ a: 1, b: { c: 2, d: 4 } }, ['x'])).not.toBe(one);
  expect(fingerprintOf({ a: 1, b: { c: 2, d: 3 } }, ['y'])).not.toBe(one);
  const weights = {
    w: { shape: [2], data: Float32Array.of(1, 2) },
    v: { shape: [1], data: Float32Array.of(3) },
  };
  const { v, w } = weights;
  expect(fingerprintOfWeights({ v, w })).toBe(fingerprintOfWeights(weights));
  expect(fingerprintOfWeights({ v, w: { ...w, shape: [1, 2] } })).not.toBe(fingerprintOfWeights(weights));
});

it('names the parts in which two runs differ', () => {
  expect(differingParts({ a: '1', b: '2', c: '3' }, { a: '1', b: '9', d: '4' })).toEqual(['b', 'c', 'd']);
});
