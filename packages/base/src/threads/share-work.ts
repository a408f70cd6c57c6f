import { Worker } from 'node:worker_threads';

/** Work on tasks that this thread and others share. */
export interface SharedWork<Task, Result> {
  /** Number of tasks at once that keep all threads busy. */
  readonly limit: number;
  /** Works on a task, in the thread that is free first. */
  run(task: Task): Promise<Result>;
  /** Ends the other threads, and what they work on. */
  close(): Promise<void>;
}

/** Options of `shareWork`. */
export interface ShareOptions {
  /** Number of threads that work, this one included. */
  readonly threads: number;
  /** The module that the other threads run, which calls `serveWork`. */
  readonly module: URL;
  /** Makes the settings that `serveWork` opens the work with; asked for when other threads are started. */
  readonly settings: () => unknown;
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/** Tasks after which the other threads are started: for fewer it is not worth while to make there what the work needs. */
const TASKS_BEFORE = 16;
/** Tasks that another thread has at once: one that it works on, and one that it finds when it is done. */
const QUEUE = 2;
/** Tasks for each thread: a slow one at the front must not leave the others without work. */
const TASKS_PER_THREAD = 4;

/**
 * Shares work on tasks among this thread and others. This one takes what the others have no time for, works alone until they have
 * started, and does what another one could not do: so an error is always thrown here, with its class.
 *
 * @param here works on a task in this thread, as the others do
 */
export function shareWork<Task, Result>(
  here: (task: Task) => Promise<Result>,
  { threads, module, settings, signal }: ShareOptions,
): SharedWork<Task, Result> {
  const stop = new AbortController();
  const ends = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const queue: Waiting<Task, Result>[] = [];
  const helpers: Helper<Task, Result>[] = [];
  let [asked, isBusy] = [0, false];
  const handOut = () => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const free = helpers.filter(({ isFree }) => isFree).toSorted((a, b) => a.tasks - b.tasks)[0];
      if (ends.aborted) next.resolve(Promise.reject(ends.reason));
      else if (free !== undefined) free.take(next);
      else if (isBusy) return;
      else void workHere(next);
      queue.shift();
    }
  };
  const workHere = async ({ task, resolve }: Waiting<Task, Result>) => {
    isBusy = true;
    const result = here(task);
    resolve(result);
    await result.catch(() => undefined);
    // Only now are signals and the messages of the other threads heard.
    await new Promise(setImmediate);
    isBusy = false;
    handOut();
  };
  const start = () => {
    const given = settings();
    const onFailed = (task: Task) => (ends.aborted ? Promise.reject(ends.reason) : here(task));
    while (helpers.length < threads - 1) {
      const worker = new Worker(module, { workerData: given, execArgv: [] });
      helpers.push(new Helper<Task, Result>(worker, { onFree: handOut, onFailed }));
    }
    const end = () => {
      for (const helper of helpers) helper.end();
      handOut();
    };
    ends.addEventListener('abort', end, { once: true });
  };
  return {
    limit: TASKS_PER_THREAD * threads,
    run(task) {
      const { promise, resolve } = withResolver<Result>();
      queue.push({ task, resolve });
      if (++asked === TASKS_BEFORE && threads > 1 && !ends.aborted) start();
      handOut();
      return promise;
    },
    async close() {
      stop.abort(new Error('the work was closed'));
      await Promise.all(helpers.map(({ ended }) => ended));
    },
  };
}

/** A task, and who waits for its result. */
interface Waiting<Task, Result> {
  readonly task: Task;
  readonly resolve: (result: Result | Promise<Result>) => void;
}

/** The answer of another thread to being started, and to each task. */
export type Reply<Result> = 'ready' | 'failed' | { readonly result: Result };

/** Another thread, which works on its tasks one after the other. */
class Helper<Task, Result> {
  private readonly waiting: Waiting<Task, Result>[] = [];
  private isReady = false;
  /** Settled when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>;

  constructor(
    private readonly worker: Worker,
    private readonly on: {
      readonly onFree: () => void;
      readonly onFailed: (task: Task) => Promise<Result>;
    },
  ) {
    worker.on('message', (reply: Reply<Result>) => this.hear(reply));
    // A thread that cannot start or has no memory left is one thread less.
    worker.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.isReady = false;
        while (this.waiting.length > 0) this.hear('failed');
        resolve();
      });
    });
  }

  /** Number of tasks that it has. */
  get tasks(): number {
    return this.waiting.length;
  }

  get isFree(): boolean {
    return this.isReady && this.tasks < QUEUE;
  }

  take(next: Waiting<Task, Result>): void {
    this.waiting.push(next);
    this.worker.postMessage(next.task);
  }

  end(): void {
    void this.worker.terminate();
  }

  private hear(reply: Reply<Result>): void {
    if (reply === 'ready') this.isReady = true;
    else {
      const next = this.waiting.shift();
      next?.resolve(reply === 'failed' ? this.on.onFailed(next.task) : reply.result);
    }
    this.on.onFree();
  }
}

function withResolver<Result>() {
  let resolve: (result: Result | Promise<Result>) => void = () => {};
  const promise = new Promise<Result>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
