// The other threads of share-work.test.ts, from the built package.
import { threadId } from 'node:worker_threads';
import { serveWork } from '@gram/base';

await serveWork(async (settings) => {
  if (settings === 'broken') throw new Error('cannot start');
  return async (task) => {
    if (task === 'endless') for (;;);
    if (task === 'exit') process.exit();
    if (task === 'bad') throw new RangeError('bad task');
    const until = performance.now() + 1;
    while (performance.now() < until);
    const bytes = new Uint8Array([task, settings]);
    return { result: { bytes, thread: threadId }, transfer: [bytes.buffer] };
  };
});
