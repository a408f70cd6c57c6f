import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BaseError, sha256OfValue, systemCode, writeDirectoryAtomic } from '@gram/base';
import { type Lock, type LockOptions, RunError, takeLock } from '@gram/run';
import { TrainError } from '../error.js';
import type { ExampleCodec } from './codec.js';
import { type ExampleStore, openStore } from './open-store.js';
import type { PackedExamples } from './pack.js';
import { STORE_FILES, STORE_VERSION, writeStore } from './write-store.js';

/** Time after which a store that nobody used is removed. */
const UNUSED_MILLISECONDS = 30 * 24 * 60 * 60 * 1000;
/** Time between two looks at what another process makes. */
const LOOK_MILLISECONDS = 100;

/** Examples as they are encoded, and notes that are kept with them once all were. */
export interface ExampleStream extends AsyncIterable<PackedExamples> {
  readonly notes: () => object;
}

/** The folder of what can be made again: `GRAM_CACHE`, by default `gram` in the user's cache folder. */
export function cacheFolder(): string {
  const own = process.env.GRAM_CACHE?.trim();
  if (own !== undefined && own !== '') return own;
  const caches = process.env.XDG_CACHE_HOME?.trim();
  return join(caches === undefined || caches === '' ? join(homedir(), '.cache') : caches, 'gram');
}

/**
 * Returns the store of what a key describes, which is made where there is none. Of several processes that ask for one at a time,
 * such as the ranks of a run, one makes it and the others wait for it. Stores that nobody used for 30 days are removed then.
 *
 * @param key all that the examples follow from, as JSON
 * @param options of the lock that the one that makes it holds
 * @throws {TrainError} `bad-examples` where the cache cannot be written; what the encoding throws; the reason of `signal`
 */
export async function cachedStore<Example>(
  key: object,
  codec: ExampleCodec<Example>,
  encode: () => ExampleStream,
  { signal, timing }: LockOptions = {},
): Promise<ExampleStore<Example>> {
  const parent = join(cacheFolder(), 'examples');
  const folder = join(parent, sha256OfValue({ version: STORE_VERSION, codec: codec.name, key }));
  for (;;) {
    signal?.throwIfAborted();
    const store = await openStore(folder, codec);
    if (store !== undefined) return store;
    const lock = await writing(parent, async () => {
      await mkdir(parent, { recursive: true });
      return lockUnlessUsed(`${folder}.lock`, { signal, timing });
    });
    if (lock === undefined) {
      await sleep(LOOK_MILLISECONDS, undefined, { signal }).catch(() => signal?.throwIfAborted());
      continue;
    }
    try {
      // Whoever held the lock before may have made it.
      if ((await openStore(folder, codec)) !== undefined) continue;
      await removeUnused(parent);
      const stream = encode();
      await writing(parent, () =>
        writeDirectoryAtomic(folder, Object.values(STORE_FILES), (temporary) =>
          writeStore(temporary, codec.name, stream, stream.notes),
        ),
      );
    } finally {
      await lock.release();
    }
  }
}

/** Takes a lock, or returns undefined where a process that lives holds it. */
async function lockUnlessUsed(path: string, options: LockOptions): Promise<Lock | undefined> {
  try {
    return await takeLock(path, path, options);
  } catch (error) {
    if (error instanceof RunError && error.code === 'in-use') return undefined;
    throw error;
  }
}

/** Removes stores that nobody used for long, and what processes left that were killed. */
async function removeUnused(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    const about = await stat(join(path, STORE_FILES.about)).catch(() => undefined);
    const found = about ?? (await stat(path).catch(() => undefined));
    // Another process may just have removed it.
    if (found === undefined || Date.now() - found.mtimeMs < UNUSED_MILLISECONDS) continue;
    await rm(path, { recursive: true, force: true });
  }
}

async function writing<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    // Errors of the records have causes in the system as well, and are no errors of writing.
    const isOwn =
      (error instanceof BaseError && error.code === 'write-failed') ||
      (error instanceof RunError && error.code === 'unwritable');
    const code = systemCode(isOwn ? error.cause : error);
    if (code === undefined) throw error;
    throw new TrainError(
      'bad-examples',
      `cannot write encoded examples to ${folder} (${code})`,
      'check that the folder is writable and has space, or set GRAM_CACHE to another one',
      { cause: error },
    );
  }
}
