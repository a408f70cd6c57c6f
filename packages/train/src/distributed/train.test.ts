import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing } from './__fixtures__/ranks.js';
import { expectSameRun, type Outcome, trainOnRanks } from './__fixtures__/train-runs.js';

const directory = mkdtempSync(join(tmpdir(), 'gram-ranks-'));
afterAll(() => rmSync(directory, { recursive: true }));

const checkpoint = join(directory, 'checkpoint');
const SHARDINGS = ['none', 'zero1', 'zero2'] as const;
/** Six micro-batches a step, which four ranks cannot share evenly. */
const micro = { microBatchSize: 2 };

/** What is trained from the start, in one launch for each number of ranks: starting costs more than the steps. */
const runs = {
  1: [{}, { optimizer: 'sgd' }, { optimizer: 'adafactor' }, { adapter: true, ...micro }],
  2: [
    ...SHARDINGS.map((sharding) => ({ sharding })),
    ...SHARDINGS.map((sharding) => ({ sharding, adapter: true, ...micro })),
    ...SHARDINGS.map((sharding) => ({ sharding, ...micro })),
    { optimizer: 'sgd', sharding: 'zero1' },
    { optimizer: 'adafactor', sharding: 'zero1' },
    { optimizer: 'adafactor', sharding: 'zero2' },
    { microBatchSize: 12 },
    { poison: 1 },
    { poison: 1, sharding: 'zero2' },
    { sharding: 'zero2', save: [checkpoint, 4] },
  ],
  4: SHARDINGS.flatMap((sharding) => [{ sharding }, { sharding, ...micro }]),
};
const launches = new Map<number, Promise<Outcome[][]>>();

/** The outcome of one of `runs`. */
async function run(ranks: 1 | 2 | 4, options: object): Promise<Outcome> {
  if (!launches.has(ranks)) launches.set(ranks, trainOnRanks(directory, ranks, runs[ranks]));
  const index = runs[ranks].findIndex((these) => JSON.stringify(these) === JSON.stringify(options));
  const outcome = (await launches.get(ranks)!)[index]?.[0];
  if (outcome === undefined) throw new Error(`not among the runs: ${JSON.stringify(options)}`);
  return outcome;
}

async function resume(ranks: number, options: object = {}): Promise<Outcome> {
  const [outcomes] = await trainOnRanks(directory, ranks, [{ ...options, resume: checkpoint }]);
  return outcomes![0]!;
}

describe.skipIf(missing !== undefined)('train on several ranks', { timeout: 120_000 }, () => {
  let alone: Outcome;
  beforeAll(async () => {
    if (missing === undefined) alone = await run(1, {});
  });

  const cases = ([2, 4] as const).flatMap((ranks) => SHARDINGS.map((sharding) => [ranks, sharding] as const));

  it.each(cases)('takes the steps of one process (%i ranks, sharding %s)', async (ranks, sharding) => {
    expectSameRun(await run(ranks, { sharding }), alone, 1e-5);
    expectSameRun(await run(ranks, { sharding, ...micro }), alone, 1e-5);
  });

  it.each([
    ['sgd', 'zero1'],
    ['adafactor', 'zero1'],
    ['adafactor', 'zero2'],
  ])('deals the state of %s out too, by %s', async (optimizer, sharding) => {
    const [whole, parts] = [await run(1, { optimizer }), await run(2, { optimizer, sharding })];
    expectSameRun(parts, whole, 1e-5);
  });

  it.each(SHARDINGS)('drops the same inputs of an adapter out, sharding %s', async (sharding) => {
    const whole = await run(1, { adapter: true, ...micro });
    expectSameRun(await run(2, { sharding, adapter: true, ...micro }), whole, 1e-5);
  });

  it('cuts a large micro-batch so that every rank has work', async () => {
    expectSameRun(await run(2, { microBatchSize: 12 }), alone, 1e-5);
  });

  it.each([{ poison: 1 }, { poison: 1, sharding: 'zero2' }])(
    'leaves a step out on all ranks when one has no finite loss: %o',
    async (options) => {
      const { history } = await run(2, options);
      // The small batch of each epoch is for rank 0 alone.
      const finite = history.filter(({ loss }) => loss !== null);
      expect(finite.map(({ step }) => step)).toEqual([3, 7]);
    },
  );

  it('goes on from a checkpoint with any number of ranks, however the state is dealt out', async () => {
    const { history } = await run(2, { sharding: 'zero2', save: [checkpoint, 4] });
    expect(history).toHaveLength(4);
    const two = await resume(2, { sharding: 'zero2' });
    expect(two.hash).toBe((await run(2, { sharding: 'zero2' })).hash);
    expectSameRun(two, alone, 1e-5);
    expectSameRun(await resume(1), alone, 1e-5);
    expectSameRun(await resume(3, { sharding: 'zero1' }), alone, 1e-5);
  });
});
