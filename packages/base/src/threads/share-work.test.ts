import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mapOrdered } from './map-ordered.js';
import { shareWork } from './share-work.js';

type Task = number | 'endless' | 'exit' | 'bad';

async function here(task: Task) {
  if (typeof task !== 'number') throw new TypeError(`this thread has ${task}`);
  const until = performance.now() + 1;
  while (performance.now() < until);
  return { bytes: new Uint8Array([task, 7]), thread: threadId };
}

function share(
  threads: number,
  { settings = 7 as unknown, signal = undefined as AbortSignal | undefined } = {},
) {
  const module = new URL('./__fixtures__/thread.mjs', import.meta.url);
  const work = shareWork(here, { threads, module, settings: () => settings, signal });
  onTestFinished(() => work.close());
  return work;
}

/** Waits until all tasks go to other threads first. */
async function untilReady(work: ReturnType<typeof share>): Promise<void> {
  while ((await Promise.all([work.run(0), work.run(0)])).every(({ thread }) => thread === threadId))
    await sleep(10);
}

const tasks = Array.from({ length: 100 }, (_, task) => task);

describe('work that threads share', () => {
  it.each([1, 2, 3])('has the same results in the same order with %d of them', async (threads) => {
    const work = share(threads);
    if (threads > 1) await untilReady(work);
    const seen = new Set<number>();
    const found: Uint8Array[] = [];
    for await (const { bytes, thread } of mapOrdered(tasks, work.run, work.limit)) {
      seen.add(thread);
      found.push(bytes);
    }
    expect(found).toEqual(tasks.map((task) => new Uint8Array([task, 7])));
    expect(seen.has(threadId)).toBe(true);
    expect(seen.size > 1).toBe(threads > 1);
  });

  it('throws the error of this thread for what no thread can do', async () => {
    const work = share(2);
    await untilReady(work);
    await expect(work.run('bad')).rejects.toThrow(new TypeError('this thread has bad'));
    expect((await work.run(5)).bytes).toEqual(new Uint8Array([5, 7]));
  });

  it('does alone what threads that cannot start or that end do not do', async () => {
    const alone = share(2, { settings: 'broken' });
    for (const task of tasks.slice(0, 40)) {
      await sleep(5);
      expect((await alone.run(task)).thread).toBe(threadId);
    }
    const left = share(2);
    await untilReady(left);
    await expect(left.run('exit')).rejects.toThrow('this thread has exit');
    expect((await left.run(5)).thread).toBe(threadId);
  });

  it('ends at once, also a thread that works without end', async () => {
    const stop = new AbortController();
    const work = share(2, { signal: stop.signal });
    await untilReady(work);
    const endless = work.run('endless');
    setTimeout(() => stop.abort(new Error('enough')), 50);
    const started = performance.now();
    await expect(endless).rejects.toThrow('enough');
    await expect(work.run(1)).rejects.toThrow('enough');
    await work.close();
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('mapping in order', () => {
  it('gives results in the order of the items, and has no more than the limit at once', async () => {
    let [now, most] = [0, 0];
    const work = async (item: number) => {
      most = Math.max(most, ++now);
      await sleep(item % 3);
      now--;
      return item;
    };
    const found: number[] = [];
    for await (const item of mapOrdered(tasks, work, 4)) found.push(item);
    expect(found).toEqual(tasks);
    expect(most).toBe(4);
  });

  it('throws each error in its turn: of an item after the results before it, of work before that of a later item', async () => {
    let closed = 0;
    async function* items() {
      try {
        yield* [0, 1, 2, 3];
        throw new Error('no item');
      } finally {
        closed++;
      }
    }
    const found: number[] = [];
    const gather = async (work: (item: number) => Promise<number>) => {
      for await (const item of mapOrdered(items(), work, 10)) found.push(item);
    };
    await expect(gather(async (item) => item)).rejects.toThrow('no item');
    expect(found).toEqual([0, 1, 2, 3]);
    const failing = async (item: number) => {
      await sleep(10 - item);
      if (item > 1) throw new Error(`bad ${item}`);
      return item;
    };
    await expect(gather(failing)).rejects.toThrow('bad 2');
    expect(found).toEqual([0, 1, 2, 3, 0, 1]);
    for await (const _ of mapOrdered(items(), async (item) => item, 2)) break;
    expect(closed).toBe(3);
  });
});
