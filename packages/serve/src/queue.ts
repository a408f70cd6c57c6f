import type { Comparator, Comparison, ComparisonItem } from '@gram/ranking';
import { HttpError } from './error.js';

/** A queue that gathers the comparisons of several requests into calls of the model. */
export interface BatchQueue {
  /** Returns the number of comparisons that have not started. */
  waiting(): number;
  /**
   * Compares items, in the order given.
   *
   * @throws {HttpError} 429 where too many wait; the reason of `signal`; what the model throws
   */
  compare(items: readonly ComparisonItem[], signal: AbortSignal): Promise<Comparison[]>;
}

/** Bounds of a queue. */
export interface QueueOptions {
  /** Maximum number of comparisons in one call. */
  readonly batchSize: number;
  /** Maximum number of waiting comparisons. */
  readonly limit: number;
  /** Called after each call of the model that succeeded. */
  readonly onBatch?: (comparisons: number) => void;
}

/** The work of one request. */
interface Job {
  readonly items: readonly ComparisonItem[];
  readonly results: Comparison[];
  /** Items before this one have started. */
  next: number;
  /** Answered, failed or left. */
  settled: boolean;
  /** Stops listening to whether the client leaves. */
  readonly detach: () => void;
  readonly resolve: (results: Comparison[]) => void;
  readonly reject: (reason: unknown) => void;
}

/** Neighboring items of a job that run in one call. */
interface Part {
  readonly job: Job;
  readonly from: number;
  to: number;
}

/**
 * Creates a queue. One call of the model runs at a time. What arrives meanwhile shares the next one: first each request gets an
 * equal share of it, then the oldest ones fill it up, so that a large request does not hold up small ones. Nothing waits
 * for company while the model is idle.
 */
export function createBatchQueue(model: Comparator, options: QueueOptions): BatchQueue {
  return new Queue(model, options);
}

class Queue implements BatchQueue {
  readonly #model: Comparator;
  readonly #options: QueueOptions;
  #pending: Job[] = [];
  #waiting = 0;
  #isWorking = false;
  #running: { readonly parts: readonly Part[]; readonly controller: AbortController } | undefined;
  /** Comparisons a second, a mean that forgets. */
  #rate: number | undefined;

  constructor(model: Comparator, options: QueueOptions) {
    this.#model = model;
    this.#options = options;
  }

  waiting(): number {
    return this.#waiting;
  }

  async compare(items: readonly ComparisonItem[], signal: AbortSignal): Promise<Comparison[]> {
    signal.throwIfAborted();
    if (items.length === 0) return [];
    if (this.#waiting + items.length > this.#options.limit) throw this.#busy();
    return new Promise((resolve, reject) => {
      const leave = () => this.#settle(job, () => reject(signal.reason));
      const detach = () => signal.removeEventListener('abort', leave);
      const job: Job = { items, results: [], next: 0, settled: false, detach, resolve, reject };
      signal.addEventListener('abort', leave);
      this.#pending.push(job);
      this.#waiting += items.length;
      if (!this.#isWorking) void this.#work();
    });
  }

  #busy(): HttpError {
    const seconds = Math.ceil(this.#waiting / (this.#rate ?? this.#options.limit));
    return new HttpError(429, 'busy', 'too many comparisons wait', 'try again later', {
      'Retry-After': String(Math.min(60, Math.max(1, seconds))),
    });
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    // What arrives in the same turn of the event loop runs together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) await this.#run(this.#take());
    this.#isWorking = false;
  }

  /** Takes what the next call compares out of the queue. */
  #take(): Part[] {
    const { batchSize } = this.#options;
    const parts = new Map<Job, Part>();
    const share = Math.max(1, Math.floor(batchSize / this.#pending.length));
    let room = batchSize;
    for (const most of [share, batchSize]) {
      for (const job of this.#pending) {
        const count = Math.min(most, room, job.items.length - job.next);
        if (count === 0) continue;
        const part = parts.get(job);
        if (part === undefined) parts.set(job, { job, from: job.next, to: job.next + count });
        else part.to += count;
        job.next += count;
        room -= count;
        this.#waiting -= count;
      }
    }
    const left = this.#pending.filter((job) => job.next < job.items.length);
    // Those that had no place go first the next time.
    this.#pending = [...left.filter((job) => !parts.has(job)), ...left.filter((job) => parts.has(job))];
    return [...parts.values()];
  }

  async #run(taken: readonly Part[]): Promise<void> {
    const parts = taken.filter(({ job }) => !job.settled);
    if (parts.length === 0) return;
    const controller = new AbortController();
    this.#running = { parts, controller };
    try {
      this.#deliver(parts, await this.#call(parts, controller.signal));
    } catch (error) {
      this.#running = undefined;
      // The fault may be that of one request, such as a text that is too long: the others must not suffer for it.
      const [first, ...others] = parts;
      if (first !== undefined && others.length === 0) {
        this.#settle(first.job, () => first.job.reject(error));
        return;
      }
      const middle = Math.ceil(parts.length / 2);
      await this.#run(parts.slice(0, middle));
      await this.#run(parts.slice(middle));
    } finally {
      this.#running = undefined;
    }
  }

  /** Calls the model, and learns how fast it is. */
  async #call(parts: readonly Part[], signal: AbortSignal): Promise<readonly Comparison[]> {
    const items = parts.flatMap(({ job, from, to }) => job.items.slice(from, to));
    const start = performance.now();
    const results = await this.#model.compare(items, { signal });
    if (results.length !== items.length) {
      throw new Error(`the model gave ${results.length} results for ${items.length} comparisons`);
    }
    const now = items.length / Math.max(1e-3, (performance.now() - start) / 1000);
    this.#rate = this.#rate === undefined ? now : 0.8 * this.#rate + 0.2 * now;
    this.#options.onBatch?.(items.length);
    return results;
  }

  /** Gives the jobs their results; the parts of a job come in order, so its results do too. */
  #deliver(parts: readonly Part[], results: readonly Comparison[]): void {
    let start = 0;
    for (const { job, from, to } of parts) {
      job.results.push(...results.slice(start, start + to - from));
      start += to - from;
      if (job.results.length === job.items.length) this.#settle(job, () => job.resolve(job.results));
    }
  }

  /** Takes a job out of the queue; the first reason to do so counts. */
  #settle(job: Job, tell: () => void): void {
    if (job.settled) return;
    job.settled = true;
    job.detach();
    if (job.next < job.items.length) {
      this.#waiting -= job.items.length - job.next;
      this.#pending = this.#pending.filter((other) => other !== job);
    }
    tell();
    // A call whose requests are all gone is for nobody.
    if (this.#running?.parts.every((part) => part.job.settled)) this.#running.controller.abort();
  }
}
