import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import type { Reply } from './share-work.js';

/** The result of a task, and what of it is handed over without a copy. */
export interface Served<Result> {
  readonly result: Result;
  readonly transfer?: readonly Transferable[];
}

/**
 * Works on the tasks that `shareWork` sends to this thread, one after the other. A thread that nobody started with it does nothing.
 *
 * @param open makes the function that works on a task of the settings
 */
export async function serveWork<Settings, Task, Result>(
  open: (settings: Settings) => Promise<(task: Task) => Promise<Served<Result>>>,
): Promise<void> {
  const port = parentPort;
  if (port === null) return;
  const work = await open(workerData);
  const answer = async (task: Task): Promise<void> => {
    const served = await work(task).catch(() => undefined);
    const reply: Reply<Result> = served === undefined ? 'failed' : { result: served.result };
    port.postMessage(reply, served?.transfer);
  };
  let last = Promise.resolve();
  port.on('message', (task: Task) => {
    last = last.then(() => answer(task));
  });
  port.postMessage('ready' satisfies Reply<Result>);
}
