import type { Comparator, Comparison, ComparisonItem } from '@gram/reward';
import { HttpError } from './error.js';

/** Comparisons of several requests, gathered into calls of the model. */
export interface BatchQueue {
  /** Comparisons that have not started. */
  waiting(): number;
  /**
   * Compares items, in the order given.
   *
   * @throws HttpError 429 where too many wait; the reason of `signal`; what the model throws
   */
  compare(items: readonly ComparisonItem[], signal: AbortSignal): Promise<Comparison[]>;
}

export interface QueueOptions {
  /** Most comparisons of one call. */
  readonly batchSize: number;
  /** Most comparisons that wait. */
  readonly limit: number;
  /** Hears of each call of the model that succeeded. */
  readonly onBatch?: (comparisons: number) => void;
}

/** The work of one request. */
interface Job {
  readonly items: readonly ComparisonItem[];
  readonly results: Comparison[];
  /** Items before this one have started. */
  next: number;
  done: number;
  /** Answered, failed or left. */
  settled: boolean;
  /** Stops to hear whether the client leaves. */
  readonly detach: () => void;
  readonly resolve: (results: Comparison[]) => void;
  readonly reject: (reason: unknown) => void;
}

/** Neighbouring items of a job that run in one call. */
interface Part {
  readonly job: Job;
  readonly from: number;
  to: number;
}

/**
 * One call of the model runs at a time. What arrives meanwhile shares the next one: first each request gets an equal share
 * of it, then the oldest ones fill it up, so that a large request does not hold up small ones. Nothing waits for company
 * while the model is idle.
 */
export function createBatchQueue(model: Comparator, { batchSize, limit, onBatch }: QueueOptions): BatchQueue {
  let pending: Job[] = [];
  let waiting = 0;
  let working = false;
  let running: { readonly parts: readonly Part[]; readonly controller: AbortController } | undefined;
  /** Comparisons a second, a mean that forgets. */
  let rate: number | undefined;

  /** Takes a job out of the queue; the first reason to do so counts. */
  function settle(job: Job, tell: () => void): void {
    if (job.settled) return;
    job.settled = true;
    job.detach();
    if (job.next < job.items.length) {
      waiting -= job.items.length - job.next;
      pending = pending.filter((other) => other !== job);
    }
    tell();
    // A call whose requests are all gone is for nobody.
    if (running?.parts.every((part) => part.job.settled)) running.controller.abort();
  }

  /** What the next call compares. */
  function take(): Part[] {
    const parts = new Map<Job, Part>();
    const share = Math.max(1, Math.floor(batchSize / pending.length));
    let room = batchSize;
    for (const most of [share, batchSize]) {
      for (const job of pending) {
        const count = Math.min(most, room, job.items.length - job.next);
        if (count === 0) continue;
        const part = parts.get(job);
        if (part === undefined) parts.set(job, { job, from: job.next, to: job.next + count });
        else part.to += count;
        job.next += count;
        room -= count;
        waiting -= count;
      }
    }
    const left = pending.filter((job) => job.next < job.items.length);
    // Those that had no place go first the next time.
    pending = [...left.filter((job) => !parts.has(job)), ...left.filter((job) => parts.has(job))];
    return [...parts.values()];
  }

  async function run(taken: readonly Part[]): Promise<void> {
    const parts = taken.filter(({ job }) => !job.settled);
    if (parts.length === 0) return;
    const items = parts.flatMap(({ job, from, to }) => job.items.slice(from, to));
    const controller = new AbortController();
    running = { parts, controller };
    try {
      const start = performance.now();
      const results = await model.compare(items, { signal: controller.signal });
      if (results.length !== items.length) {
        throw new Error(`the model gave ${results.length} results for ${items.length} comparisons`);
      }
      const now = items.length / Math.max(1e-3, (performance.now() - start) / 1000);
      rate = rate === undefined ? now : 0.8 * rate + 0.2 * now;
      onBatch?.(items.length);
      deliver(parts, results);
    } catch (error) {
      running = undefined;
      // The fault may be that of one request, such as a text that is too long: the others must not suffer for it.
      if (parts.length === 1) return settle(parts[0]!.job, () => parts[0]!.job.reject(error));
      const middle = Math.ceil(parts.length / 2);
      await run(parts.slice(0, middle));
      await run(parts.slice(middle));
    } finally {
      running = undefined;
    }
  }

  function deliver(parts: readonly Part[], results: readonly Comparison[]): void {
    let at = 0;
    for (const { job, from, to } of parts) {
      for (let index = from; index < to; index++) job.results[index] = results[at++]!;
      job.done += to - from;
      if (job.done === job.items.length) settle(job, () => job.resolve(job.results));
    }
  }

  async function work(): Promise<void> {
    // What arrives in the same turn of the event loop runs together.
    await new Promise((resolve) => setImmediate(resolve));
    while (pending.length > 0) await run(take());
    working = false;
  }

  return {
    waiting: () => waiting,
    async compare(items, signal) {
      signal.throwIfAborted();
      if (items.length === 0) return [];
      if (waiting + items.length > limit) {
        const seconds = Math.ceil(waiting / (rate ?? limit));
        throw new HttpError(429, 'busy', 'too many comparisons wait', 'try again later', {
          'Retry-After': String(Math.min(60, Math.max(1, seconds))),
        });
      }
      return new Promise((resolve, reject) => {
        const leave = () => settle(job, () => reject(signal.reason));
        const detach = () => signal.removeEventListener('abort', leave);
        const job: Job = { items, results: [], next: 0, done: 0, settled: false, detach, resolve, reject };
        signal.addEventListener('abort', leave);
        pending.push(job);
        waiting += items.length;
        if (working) return;
        working = true;
        void work();
      });
    },
  };
}
