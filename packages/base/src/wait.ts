import { setTimeout } from 'node:timers/promises';

/**
 * Waits.
 *
 * @param milliseconds 0 or more
 * @throws the reason of `signal` as soon as it is aborted
 */
export async function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(milliseconds, undefined, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause;
  }
}
