import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainingRecord } from '../training-record.js';
import { missing, onRanks } from './__fixtures__/ranks.js';

interface Outcome {
  readonly run: number;
  readonly rank: number;
  readonly history: readonly (TrainingRecord & { loss: number | null })[];
  readonly hash: string;
}

const directory = mkdtempSync(join(tmpdir(), 'gram-ranks-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Trains as each of the options says. All ranks must end with the same weights; the outcomes are those of rank 0. */
async function train(ranks: number, runs: readonly object[]): Promise<Outcome[]> {
  const { code, lines, errors } = await onRanks(ranks, 'train-run.mjs', JSON.stringify(runs));
  expect(code, errors).toBe(0);
  const outcomes = lines as Outcome[];
  return runs.map((_, run) => {
    const these = outcomes.filter((outcome) => outcome.run === run);
    expect(these).toHaveLength(ranks);
    expect(new Set(these.map(({ hash }) => hash)).size).toBe(1);
    return these.find(({ rank }) => rank === 0)!;
  });
}

const checkpoint = join(directory, 'checkpoint');

/** What is trained from the start, in one launch for each number of ranks: starting costs more than the steps. */
const runs = {
  1: [{}, { optimizer: 'sgd' }, { optimizer: 'adafactor' }, { adapter: true }],
  2: [
    { sharding: 'none' },
    { sharding: 'zero1' },
    { optimizer: 'sgd', sharding: 'zero1' },
    { optimizer: 'adafactor', sharding: 'zero1' },
    { adapter: true, sharding: 'zero1' },
    { microBatchSize: 12 },
    { poison: 1 },
    { sharding: 'zero1', save: [checkpoint, 4] },
  ],
  3: [{ sharding: 'none' }, { sharding: 'zero1' }],
};
const launches = new Map<number, Promise<Outcome[]>>();

/** The outcome of one of `runs`. */
async function run(ranks: 1 | 2 | 3, options: object): Promise<Outcome> {
  if (!launches.has(ranks)) launches.set(ranks, train(ranks, runs[ranks]));
  const index = runs[ranks].findIndex((these) => JSON.stringify(these) === JSON.stringify(options));
  const outcome = (await launches.get(ranks)!)[index];
  if (outcome === undefined) throw new Error(`not among the runs: ${JSON.stringify(options)}`);
  return outcome;
}

async function resume(ranks: number, options: object = {}): Promise<Outcome> {
  const [outcome] = await train(ranks, [{ ...options, resume: checkpoint }]);
  return outcome!;
}

function expectSameRun({ history }: Outcome, wanted: Outcome, tolerance: number): void {
  expect(history).toHaveLength(wanted.history.length);
  for (const [i, record] of history.entries()) {
    const other = wanted.history[i]!;
    expect(Math.abs(record.loss - other.loss)).toBeLessThan(tolerance);
    expect(record.accuracy).toBeCloseTo(other.accuracy!, 6);
    expect(record.tokens).toBe(other.tokens);
    expect(Math.abs(record.gradientNorm / other.gradientNorm - 1)).toBeLessThan(tolerance);
  }
}

describe.skipIf(missing !== undefined)('train on several ranks', { timeout: 120_000 }, () => {
  let alone: Outcome;
  beforeAll(async () => {
    if (missing === undefined) alone = await run(1, {});
  });

  it.each([
    [2, 'none'],
    [2, 'zero1'],
    [3, 'none'],
    [3, 'zero1'],
  ] as const)('takes the steps of one process (%i ranks, sharding %s)', async (ranks, sharding) => {
    expectSameRun(await run(ranks, { sharding }), alone, 1e-5);
  });

  it.each(['sgd', 'adafactor'])('deals the state of %s out too', async (optimizer) => {
    const [whole, parts] = [await run(1, { optimizer }), await run(2, { optimizer, sharding: 'zero1' })];
    expectSameRun(parts, whole, 1e-5);
  });

  it('drops the same inputs of an adapter out', async () => {
    const whole = await run(1, { adapter: true });
    expectSameRun(await run(2, { adapter: true, sharding: 'zero1' }), whole, 1e-5);
  });

  it('cuts a large micro-batch so that every rank has work', async () => {
    expectSameRun(await run(2, { microBatchSize: 12 }), alone, 1e-5);
  });

  it('leaves a step out on all ranks when one has no finite loss', async () => {
    const { history } = await run(2, { poison: 1 });
    // The small batch of each epoch is for rank 0 alone.
    const finite = history.filter(({ loss }) => loss !== null);
    expect(finite.map(({ step }) => step)).toEqual([3, 7]);
  });

  it('goes on from a checkpoint with any number of ranks', async () => {
    const { history } = await run(2, { sharding: 'zero1', save: [checkpoint, 4] });
    expect(history).toHaveLength(4);
    const two = await resume(2, { sharding: 'zero1' });
    expect(two.hash).toBe((await run(2, { sharding: 'zero1' })).hash);
    expectSameRun(two, alone, 1e-6);
    expectSameRun(await resume(1), alone, 1e-6);
    expectSameRun(await resume(3), alone, 1e-6);
  });
});
