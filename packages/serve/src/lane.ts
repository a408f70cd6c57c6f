/** Work of one kind, such as comparisons, that requests wait for. */
export interface Lane<Item, Result> {
  /** Returns the number of items that have not started. */
  waiting(): number;
  /** Returns the results of items, in their order. Throws as `BatchQueue.compare` does. */
  ask(this: void, items: readonly Item[], signal: AbortSignal): Promise<Result[]>;
}

/** Schedule of model calls that lanes share. */
export interface Scheduler {
  /** Maximum number of items in one call. */
  readonly batchSize: number;
  /** Runs work when the work before it has ended. */
  inTurn(work: () => Promise<void>): Promise<void>;
  /** Throws where there is no room for so many further items. */
  checkRoom(items: number): void;
  /** Hears of a call of the model that succeeded. */
  onCall(items: number, milliseconds: number): void;
}

/** Asks the model. */
type Ask<Item, Result> = (items: readonly Item[], signal: AbortSignal) => Promise<readonly Result[]>;

/** The work of one request. */
interface Job<Item, Result> {
  readonly items: readonly Item[];
  readonly results: Result[];
  /** Items before this one have started. */
  next: number;
  /** Answered, failed or left. */
  settled: boolean;
  /** Stops listening to whether the client leaves. */
  readonly detach: () => void;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (reason: unknown) => void;
}

/** Neighboring items of a job that run in one call. */
interface Part<Item, Result> {
  readonly job: Job<Item, Result>;
  readonly from: number;
  to: number;
}

/** Creates a lane. */
export function createLane<Item, Result>(ask: Ask<Item, Result>, scheduler: Scheduler): Lane<Item, Result> {
  const lane = new QueuedLane(ask, scheduler);
  return { waiting: () => lane.waiting, ask: (items, signal) => lane.ask(items, signal) };
}

class QueuedLane<Item, Result> {
  readonly #ask: Ask<Item, Result>;
  readonly #scheduler: Scheduler;
  #pending: Job<Item, Result>[] = [];
  #waiting = 0;
  #isWorking = false;
  #running:
    | { readonly parts: readonly Part<Item, Result>[]; readonly controller: AbortController }
    | undefined;

  constructor(ask: Ask<Item, Result>, scheduler: Scheduler) {
    this.#ask = ask;
    this.#scheduler = scheduler;
  }

  get waiting(): number {
    return this.#waiting;
  }

  async ask(items: readonly Item[], signal: AbortSignal): Promise<Result[]> {
    signal.throwIfAborted();
    if (items.length === 0) return [];
    this.#scheduler.checkRoom(items.length);
    return new Promise((resolve, reject) => {
      const leave = () => this.#settle(job, () => reject(signal.reason));
      const detach = () => signal.removeEventListener('abort', leave);
      const job: Job<Item, Result> = { items, results: [], next: 0, settled: false, detach, resolve, reject };
      signal.addEventListener('abort', leave);
      this.#pending.push(job);
      this.#waiting += items.length;
      if (!this.#isWorking) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    // What arrives in the same turn of the event loop runs together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) await this.#scheduler.inTurn(() => this.#run(this.#take()));
    this.#isWorking = false;
  }

  /** Takes the items of the next call out of the lane. */
  #take(): Part<Item, Result>[] {
    const { batchSize } = this.#scheduler;
    const parts = new Map<Job<Item, Result>, Part<Item, Result>>();
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

  async #run(taken: readonly Part<Item, Result>[]): Promise<void> {
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

  async #call(parts: readonly Part<Item, Result>[], signal: AbortSignal): Promise<readonly Result[]> {
    const items = parts.flatMap(({ job, from, to }) => job.items.slice(from, to));
    const start = performance.now();
    const results = await this.#ask(items, signal);
    if (results.length !== items.length) {
      throw new Error(`the model gave ${results.length} results for ${items.length} items`);
    }
    this.#scheduler.onCall(items.length, performance.now() - start);
    return results;
  }

  /** Gives the jobs their results; the parts of a job come in order, so its results do too. */
  #deliver(parts: readonly Part<Item, Result>[], results: readonly Result[]): void {
    let start = 0;
    for (const { job, from, to } of parts) {
      job.results.push(...results.slice(start, start + to - from));
      start += to - from;
      if (job.results.length === job.items.length) this.#settle(job, () => job.resolve(job.results));
    }
  }

  /** Takes a job out of the lane; the first reason to do so counts. */
  #settle(job: Job<Item, Result>, tell: () => void): void {
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
