import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sizeOf } from '@gram/engine';
import { missingRig, openCudaRig } from '@gram/engine/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { missing, onRanks } from './__fixtures__/ranks.js';
import { expectSameRun, type Outcome, trainOnRanks } from './__fixtures__/train-runs.js';
import { gradientGroups } from './gpus/gradient-groups.js';
import { createGpus } from './gpus/open-gpus.js';
import { sharesOf } from './partition.js';

// On the rig memory, addresses, calls and sums are real, and kernels of the CPU compute the graphs for CUDA: these tests see whether
// several ranks take the steps of one, and what travels between them. They do not see how fast, nor NVIDIA's own library.
const directory = mkdtempSync(join(tmpdir(), 'gram-gpus-'));
afterAll(() => rmSync(directory, { recursive: true }));

const checkpoint = join(directory, 'checkpoint');
const SHARDINGS = ['none', 'zero1', 'zero2'] as const;
type Sharding = (typeof SHARDINGS)[number];
const device = 'cuda';
/** Six micro-batches of a step, which four ranks cannot share evenly. */
const micro = { microBatchSize: 2, epochs: 1 };
/** Groups of the size for GPUs, of which the gradients of these weights fill none: they are summed after the backward pass. */
const IN_ONE_GROUP = 25 * 2 ** 20;
/** Groups of the size that `train-run.mjs` chooses. */
const BUCKET_BYTES = 2048;
/** Examples of each step. */
const STEPS = [12, 12, 12, 12, 4];

const runs = {
  1: [
    { device, ...micro },
    { device, adapter: true, ...micro },
    { device, optimizer: 'adafactor', ...micro },
  ],
  2: [
    ...SHARDINGS.map((sharding) => ({ device, sharding, ...micro })),
    ...SHARDINGS.map((sharding) => ({ device, sharding, adapter: true, ...micro })),
    ...SHARDINGS.map((sharding) => ({ device, sharding, bucketBytes: IN_ONE_GROUP, ...micro })),
    { device, optimizer: 'adafactor', sharding: 'zero1', ...micro },
    { device, sharding: 'zero2', save: [checkpoint, 3], ...micro },
  ],
  4: [
    ...SHARDINGS.map((sharding) => ({ device, sharding, ...micro })),
    { device, sharding: 'zero1', resume: checkpoint, ...micro },
  ],
};
type Ranks = keyof typeof runs;
const launches = new Map<Ranks, Promise<Outcome[][]>>();

/** The outcomes of all ranks of one of `runs`. */
async function run(ranks: Ranks, options: object): Promise<Outcome[]> {
  // Four ranks go on from what two have saved.
  if (ranks === 4) await run(2, runs[2][0]!);
  if (!launches.has(ranks)) launches.set(ranks, trainOnRanks(directory, ranks, runs[ranks]));
  const index = runs[ranks].findIndex((these) => JSON.stringify(these) === JSON.stringify(options));
  return (await launches.get(ranks)!)[index]!;
}

const why = missingRig ?? missing;

describe.skipIf(why)(
  `GPUs of several ranks on the CUDA rig${why ? ` (${why})` : ''}`,
  { timeout: 240_000 },
  () => {
    beforeAll(() => {
      process.env.RIG_DEVICES = '4';
    });

    const cases = ([2, 4] as const).flatMap((ranks) =>
      SHARDINGS.map((sharding) => [ranks, sharding] as const),
    );

    it.each(cases)('take the steps of one (%i ranks, sharding %s)', async (ranks, sharding) => {
      const [alone] = await run(1, { device, ...micro });
      const [outcome] = await run(ranks, { device, sharding, ...micro });
      expectSameRun(outcome!, alone!, 1e-5);
    });

    it.each(SHARDINGS)('take the same steps with and without a cut (sharding %s)', async (sharding) => {
      const [cut] = await run(2, { device, sharding, ...micro });
      const [whole] = await run(2, { device, sharding, bucketBytes: IN_ONE_GROUP, ...micro });
      expect(cut!.values).toEqual(whole!.values);
      expect(cut!.history).toEqual(whole!.history);
    });

    it.each(SHARDINGS)('take the steps of one with an adapter (sharding %s)', async (sharding) => {
      const [alone] = await run(1, { device, adapter: true, ...micro });
      const [outcome] = await run(2, { device, sharding, adapter: true, ...micro });
      expectSameRun(outcome!, alone!, 1e-5);
    });

    it('take the steps of one with whole weights dealt out', async () => {
      const [alone] = await run(1, { device, optimizer: 'adafactor', ...micro });
      const [outcome] = await run(2, { device, optimizer: 'adafactor', sharding: 'zero1', ...micro });
      expectSameRun(outcome!, alone!, 1e-5);
    });

    it('go on from a checkpoint of another number of ranks', async () => {
      const [alone] = await run(1, { device, ...micro });
      const [first] = await run(2, { device, sharding: 'zero2', save: [checkpoint, 3], ...micro });
      expect(first!.history).toHaveLength(3);
      const [resumed] = await run(4, { device, sharding: 'zero1', resume: checkpoint, ...micro });
      expectSameRun(resumed!, alone!, 1e-5);
    });

    it.each(cases)('receive what the formula says (%i ranks, sharding %s)', async (ranks, sharding) => {
      const outcomes = await run(ranks, { device, sharding, ...micro });
      const { shapes = {} } = outcomes[0]!;
      const all = Object.values(shapes).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      const shares = sharesOf(shapes, ranks, { isElementwise: true, device });
      for (const { rank, traffic } of outcomes) {
        const own = shares[rank]!.reduce((sum, { start, end }) => sum + end - start, 0);
        const { allReduce, reduceScatter, reduce, allGather, broadcast } = traffic!;
        const received = { allReduce, sums: reduceScatter + reduce, weights: allGather + broadcast };
        expect(received).toEqual(expected(sharding, { ranks, all, own }));
      }
    });

    it.each(cases)('sum while backward runs (%i ranks, sharding %s)', async (ranks, sharding) => {
      const outcomes = await run(ranks, { device, sharding, ...micro });
      const { shapes = {} } = outcomes[0]!;
      const groups = gradientGroups(shapes, BUCKET_BYTES);
      const sizeOfAll = (names: readonly string[]) =>
        names.reduce((sum, name) => sum + sizeOf(shapes[name]!.shape), 0);
      expect(groups.length).toBeGreaterThan(5);
      const [all, last] = [sizeOfAll(groups.flat()), sizeOfAll(groups.at(-1)!)];
      for (const { rank, traffic, gradients } of outcomes) {
        const { received, overlapped } = gradients!;
        const { allReduce, reduceScatter, reduce } = traffic!;
        expect(received).toBeCloseTo(allReduce + reduceScatter + reduce, 0);
        expect(overlapped).toBeGreaterThan(0);
        // The sum of the last group begins when all gradients are there. Shares of ZeRO are not equal in each group.
        if (sharding === 'none') expect(overlapped / received).toBeLessThanOrEqual(1 - last / all + 1e-9);
        else expect(overlapped).toBeLessThan(received);
        const share = `${(100 * overlapped) / received}`.slice(0, 4);
        console.log(
          `${ranks} ranks, ${sharding}, rank ${rank}: ${share} % of ${received} bytes while backward ran`,
        );
      }
    });

    it.each(SHARDINGS)('sum after backward where there is one group (sharding %s)', async (sharding) => {
      const outcomes = await run(2, { device, sharding, bucketBytes: IN_ONE_GROUP, ...micro });
      for (const { gradients } of outcomes) expect(gradients!.overlapped).toBe(0);
    });

    it.each(SHARDINGS)(
      'send no gradient and no weight through host memory (sharding %s)',
      async (sharding) => {
        const outcomes = await run(2, { device, sharding, ...micro });
        const all = Object.values(outcomes[0]!.shapes!).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
        for (const { copies } of outcomes) {
          expect(copies).toMatchObject({ wrongCopies: 0 });
          // Weights and both moments at the end; loss, metric and norm of each step are single numbers.
          const atTheEnd = 4 * (sharding === 'none' ? 3 * all : 2.2 * all);
          expect(copies!.bytesToHost).toBeLessThan(atTheEnd + 2000);
        }
      },
    );

    it('do what each operation says', async () => {
      const { code, lines, errors } = await onRanks(3, 'gpu-conformance.mjs');
      expect(code, errors).toBe(0);
      const reports = lines as { description: string; faults: string[] }[];
      expect(reports.map(({ description }) => description)).toEqual(Array(3).fill('by NCCL 2.28.9'));
      expect(reports.flatMap(({ faults }) => faults)).toEqual([]);
    });

    it('go through host memory where a rank has no NCCL that fits, and say which', async () => {
      openCudaRig();
      vi.stubEnv('RIG_NCCL_VERSION', '21212');
      const first = createGpus({ rank: 0, size: 2 }, async (note) => [{}, note]);
      const { description, run: sum } = await first.open('cuda');
      expect(description).toMatch(
        /^in host memory: rank 1: NCCL 2\.12\.12 is too old: .*; apt-get install libnccl2/,
      );
      expect(sum).toBeUndefined();
    });

    // The limit also holds while the rig is loaded, for which a busy machine takes its time.
    it.each([
      ['kill', '60', 'ended without taking leave', 6000],
      ['idle', '12', 'has kept the others waiting for 12 s', 24_000],
    ])('name a rank that is lost (%s), and end', async (how, limit, reason, bound) => {
      const { code, errors, lines, at } = await onRanks(2, 'lost-rank.mjs', how, limit, device);
      expect(code).not.toBe(0);
      expect(errors).toMatch(new RegExp(`gram: rank 1 \\(process \\d+ on .+\\) ${reason}`));
      const [{ lost }] = lines as [{ lost: number }];
      expect(at - lost).toBeLessThan(bound);
    });

    it('end with the reason that NCCL gives where an operation fails', async () => {
      const { code, errors } = await onRanks(2, 'lost-rank.mjs', 'fail', '60', device);
      expect(code).not.toBe(0);
      expect(errors).toMatch(/ of NCCL failed: unhandled system error/);
      expect(errors).toMatch(/gram: rank 1 .* ended without taking leave/);
    });
  },
);

/**
 * Bytes that a rank receives in a run, as the README says: of `n` ranks each gets, for its own share, what the others have, and for
 * theirs the sums; with ZeRO-2 the former once for each round of micro-batches.
 */
function expected(
  sharding: Sharding,
  { ranks, all, own }: { readonly ranks: number; readonly all: number; readonly own: number },
) {
  const rounds = STEPS.reduce((sum, examples) => sum + Math.ceil(examples / micro.microBatchSize / ranks), 0);
  const ofOwn = 4 * (ranks - 1) * own;
  if (sharding === 'none') {
    return { allReduce: (STEPS.length * 4 * 2 * (ranks - 1) * all) / ranks, sums: 0, weights: 0 };
  }
  return {
    allReduce: 0,
    sums: (sharding === 'zero1' ? STEPS.length : rounds) * ofOwn,
    weights: STEPS.length * 4 * (all - own),
  };
}
