/**
 * One rank as its thread sees it, without MPI: starts the thread of the built package with the settings on the command line and
 * blocks its own thread as MPI does. A line on standard input ends the thread in order.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const thread = new Worker(new URL('../../../../dist/arrival-thread.js', import.meta.url), {
  workerData: JSON.parse(process.argv[2]),
});
await once(thread, 'message');
process.stdout.write('watching\n');
await once(process.stdin, 'data');
thread.postMessage('end');
await once(thread, 'exit');
process.stdin.destroy();
