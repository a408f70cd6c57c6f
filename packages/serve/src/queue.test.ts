import type { ComparisonItem } from '@gram/ranking';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { until } from './__fixtures__/client.js';
import { heldModel, verdictOf } from './__fixtures__/models.js';
import { createBatchQueue } from './queue.js';

const forever = new AbortController().signal;
const items = (name: string, count: number): ComparisonItem[] =>
  Array.from({ length: count }, (_, index) => ({ prompt: name, a: `${name} ${index}`, b: `x${index}` }));
const verdicts = (name: string, count: number) => items(name, count).map(verdictOf);
const namesOf = (call: { items: readonly ComparisonItem[] }) =>
  call.items.map(({ prompt }) => prompt).join('');

describe('createBatchQueue', () => {
  it('gathers what arrives while a call runs, up to the size of a batch', async () => {
    const model = heldModel();
    const sizes: number[] = [];
    const queue = createBatchQueue(model, {
      batchSize: 8,
      limit: 100,
      onBatch: (size) => sizes.push(size),
    });
    const first = queue.compare(items('a', 1), forever);
    await until(() => model.calls.length === 1);
    const others = [...'bcdef'].map((name) => queue.compare(items(name, 2), forever));
    expect(queue.waiting()).toBe(10);
    model.calls[0]!.finish();
    expect(await first).toEqual(verdicts('a', 1));
    await until(() => model.calls.length === 2);
    expect(model.calls[1]!.items).toHaveLength(8);
    expect(queue.waiting()).toBe(2);
    model.calls[1]!.finish();
    await until(() => model.calls.length === 3);
    model.calls[2]!.finish();
    const results = await Promise.all(others);
    for (const [index, name] of [...'bcdef'].entries()) expect(results[index]).toEqual(verdicts(name, 2));
    expect(sizes).toEqual([1, 8, 2]);
  });

  it('takes requests of the same moment together, and lets none wait for company', async () => {
    const model = heldModel();
    const queue = createBatchQueue(model, { batchSize: 8, limit: 100 });
    const both = [queue.compare(items('a', 1), forever), queue.compare(items('b', 1), forever)];
    await until(() => model.calls.length === 1);
    expect(namesOf(model.calls[0]!)).toBe('ab');
    model.calls[0]!.finish();
    await Promise.all(both);
  });

  it('does not let a large request hold up small ones', async () => {
    const model = heldModel();
    const queue = createBatchQueue(model, { batchSize: 4, limit: 100 });
    const large = queue.compare(items('L', 20), forever);
    await until(() => model.calls.length === 1);
    const small = queue.compare(items('s', 1), forever);
    model.calls[0]!.finish();
    await until(() => model.calls.length === 2);
    expect(namesOf(model.calls[1]!)).toMatch(/^(LLLs|sLLL)$/);
    model.calls[1]!.finish();
    expect(await small).toEqual(verdicts('s', 1));
    for (let call = 2; call < 6; call++) {
      await until(() => model.calls.length > call || queue.waiting() === 0);
      model.calls[call]?.finish();
    }
    expect(await large).toEqual(verdicts('L', 20));
  });

  it('drops the work of those who left, and ends a call that is for nobody', async () => {
    const model = heldModel();
    const queue = createBatchQueue(model, { batchSize: 4, limit: 100 });
    const leave = new AbortController();
    const running = queue.compare(items('a', 2), leave.signal);
    await until(() => model.calls.length === 1);
    const waiting = queue.compare(items('b', 3), leave.signal);
    const staying = queue.compare(items('c', 1), forever);
    leave.abort(new Error('gone'));
    expect(queue.waiting()).toBe(1);
    await expect(running).rejects.toThrow('gone');
    await expect(waiting).rejects.toThrow('gone');
    expect(model.calls[0]!.signal!.aborted).toBe(true);
    await until(() => model.calls.length === 2);
    expect(namesOf(model.calls[1]!)).toBe('c');
    model.calls[1]!.finish();
    expect(await staying).toEqual(verdicts('c', 1));
    await expect(queue.compare(items('d', 1), leave.signal)).rejects.toThrow('gone');
  });

  it('goes on with a call while somebody still wants a part of it', async () => {
    const model = heldModel();
    const queue = createBatchQueue(model, { batchSize: 4, limit: 100 });
    const leave = new AbortController();
    const gone = queue.compare(items('a', 1), leave.signal);
    const staying = queue.compare(items('b', 1), forever);
    await until(() => model.calls.length === 1);
    leave.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect(model.calls[0]!.signal!.aborted).toBe(false);
    model.calls[0]!.finish();
    expect(await staying).toEqual(verdicts('b', 1));
  });

  it('fails the request whose text the model refuses, and no other', async () => {
    const compare = async (all: readonly ComparisonItem[]) => {
      if (all.some(({ prompt }) => prompt === 'bad')) throw new Error('too long');
      return all.map(verdictOf);
    };
    const queue = createBatchQueue({ compare }, { batchSize: 16, limit: 100 });
    const names = ['a', 'b', 'bad', 'c', 'd', 'bad', 'e'];
    const outcomes = await Promise.allSettled(names.map((name) => queue.compare(items(name, 2), forever)));
    for (const [index, name] of names.entries()) {
      const expected =
        name === 'bad' ? { status: 'rejected' } : { status: 'fulfilled', value: verdicts(name, 2) };
      expect(outcomes[index]).toMatchObject(expected);
    }
  });

  it('refuses more than may wait and says when to come back', async () => {
    const model = heldModel();
    const queue = createBatchQueue(model, { batchSize: 2, limit: 5 });
    const running = queue.compare(items('a', 2), forever);
    await until(() => model.calls.length === 1);
    const waiting = queue.compare(items('b', 5), forever);
    await expect(queue.compare(items('c', 1), forever)).rejects.toMatchObject({
      status: 429,
      headers: { 'Retry-After': expect.stringMatching(/^[1-9]\d?$/) },
    });
    for (let call = 0; call < 4; call++) {
      await until(() => model.calls.length > call);
      model.calls[call]!.finish();
    }
    expect(await running).toEqual(verdicts('a', 2));
    expect(await waiting).toEqual(verdicts('b', 5));
    expect(await queue.compare([], forever)).toEqual([]);
  });

  it('does not trust a model that gives too few results', async () => {
    const queue = createBatchQueue({ compare: async () => [] }, { batchSize: 2, limit: 5 });
    await expect(queue.compare(items('a', 1), forever)).rejects.toThrow('0 results for 1');
  });

  it('never crosses results, whatever comes, leaves and fails', async () => {
    const job = fc.record({
      size: fc.integer({ min: 1, max: 9 }),
      turn: fc.integer({ min: 0, max: 4 }),
      leaves: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(job, { maxLength: 20 }),
        fc.integer({ min: 1, max: 7 }),
        async (jobs, batchSize) => {
          const turns = (count: number) =>
            new Promise<void>((resolve) => {
              const next = (left: number) => (left === 0 ? resolve() : setImmediate(next, left - 1));
              next(count);
            });
          const queue = createBatchQueue(
            {
              async compare(all) {
                await turns(2);
                if (all.some(({ prompt }) => prompt === 'j3')) throw new Error('refused');
                return all.map(verdictOf);
              },
            },
            { batchSize, limit: 1000 },
          );
          await Promise.all(
            jobs.map(async ({ size, turn, leaves }, index) => {
              await turns(turn);
              const leave = new AbortController();
              if (leaves) void turns(3).then(() => leave.abort(new Error('gone')));
              const name = `j${index}`;
              const outcome = await queue.compare(items(name, size), leave.signal).catch((error) => error);
              if (outcome instanceof Error) expect(leaves || index === 3).toBe(true);
              else expect(outcome).toEqual(verdicts(name, size));
            }),
          );
          expect(queue.waiting()).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
