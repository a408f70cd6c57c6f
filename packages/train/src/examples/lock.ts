import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemCode } from '@gram/base';

/** Time between two signs of life of whoever holds a lock. */
const BEAT_MILLISECONDS = 2_000;
/** Time without a sign of life after which a lock is taken over. */
const DEAD_MILLISECONDS = 30_000;

/** A lock that is held. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * Takes the lock at a path, which one process holds at a time, also among several machines that share the folder. The lock of a
 * process that has died is taken over: at once on the same machine, after 30 seconds on another one.
 *
 * @returns undefined where somebody else holds it
 */
export async function tryLock(path: string): Promise<Lock | undefined> {
  const owner = JSON.stringify({ host: hostname(), pid: process.pid, id: randomUUID() });
  for (;;) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(owner).finally(() => handle.close());
      break;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      if (!(await isAbandoned(path))) return undefined;
      // A rename is won by one process only.
      const grave = `${path}.${randomUUID()}`;
      const won = await rename(path, grave).then(
        () => true,
        () => false,
      );
      if (won) await rm(grave, { force: true });
    }
  }
  const beat = setInterval(() => {
    const now = Date.now() / 1000;
    utimes(path, now, now).catch(() => undefined);
  }, BEAT_MILLISECONDS);
  beat.unref();
  return {
    async release() {
      clearInterval(beat);
      // Another process may have taken it over, if this one was stopped for long.
      if ((await readFile(path, 'utf8').catch(() => '')) === owner) await rm(path, { force: true });
    },
  };
}

async function isAbandoned(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  if (Date.now() - found.mtimeMs > DEAD_MILLISECONDS) return true;
  try {
    const { host, pid }: { host?: unknown; pid?: unknown } = JSON.parse(await readFile(path, 'utf8'));
    return host === hostname() && typeof pid === 'number' && !isAlive(pid);
  } catch {
    // It has just been made, and is not written yet.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
