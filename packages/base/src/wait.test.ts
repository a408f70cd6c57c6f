import { expect, it } from 'vitest';
import { wait } from './wait.js';

it('waits, and ends with the reason of a signal at once', async () => {
  const started = performance.now();
  await wait(20);
  expect(performance.now() - started).toBeGreaterThan(15);
  const reason = new Error('enough');
  await expect(wait(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  const stop = new AbortController();
  const waiting = wait(60_000, stop.signal);
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});
