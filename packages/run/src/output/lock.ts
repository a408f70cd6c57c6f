import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing, ownProcess, type ProcessIdentity, processState, quote, systemCode } from '@gram/base';
import { RunError } from '../error.js';

/** Interval at which a holder shows that it lives, and the time that another machine waits for such a sign. */
export interface LockTiming {
  readonly beatMs: number;
  readonly patienceMs: number;
}

const TIMING: LockTiming = { beatMs: 5_000, patienceMs: 20_000 };

/** Options of `takeLock`. */
export interface LockOptions {
  /** @default a sign of life every 5 s, and a patience of 20 s */
  readonly timing?: LockTiming;
  /** Ends the wait for a sign of life of a holder on another machine. */
  readonly signal?: AbortSignal | undefined;
}

/** A process as its lock names it. */
interface Holder extends ProcessIdentity {
  readonly token: string;
}

/** A lock that this process holds. */
export interface Lock {
  /** Aborted, with a `RunError` as its reason, when the lock is gone: deleted, or another process has taken it. */
  readonly lost: AbortSignal;
  /** Looks at once. @throws {RunError} `output-lost` */
  check(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lock at a path. A holder that died does not keep it: on the same machine its process is looked for, and one on
 * another machine, with which only a file system is shared, has to show within the patience that it lives. Clocks are not
 * compared.
 *
 * @param output the name of what is locked, for messages
 * @throws {RunError} `in-use`, naming the process and the host of the holder; `unwritable`, also where the disk is full; the
 *   reason of `signal`
 */
export async function takeLock(
  path: string,
  output: string,
  { timing = TIMING, signal }: LockOptions = {},
): Promise<Lock> {
  const own = ownHolder();
  for (;;) {
    const handle = await create(path, own);
    if (handle !== undefined) return hold({ path, output, own, handle }, timing);
    const found = await holderOf(path);
    if (found === undefined) continue;
    if (await lives(path, found, { timing, signal })) throw inUse(output, found.holder);
    await remove(path, found.text);
  }
}

/**
 * Refuses an output that another process is known to use, without waiting: a process of this machine that lives.
 *
 * @throws {RunError} `in-use`
 */
export async function refuseUsed(path: string, output: string): Promise<void> {
  const found = await holderOf(path);
  if (found?.holder !== undefined && processState(found.holder) === 'alive')
    throw inUse(output, found.holder);
}

function inUse(output: string, holder: Holder | undefined): RunError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${quote(holder.host)}`;
  const hint = 'wait for that run, stop it, or choose another output';
  return new RunError('in-use', `${output} is in use by ${who}`, hint);
}

const textOf = (holder: Holder, beat: number) =>
  `${JSON.stringify({ ...holder, beat: String(beat).padStart(12, '0') })}\n`;

const ownHolder = (): Holder => ({ token: randomUUID(), ...ownProcess() });

async function create(path: string, own: Holder): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'wx');
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return undefined;
    throw unwritable(path, cause);
  }
  try {
    await handle.write(textOf(own, 0), 0);
    return handle;
  } catch (cause) {
    await handle.close().catch(() => {});
    // Nobody else takes an empty lock within this moment: it looks like one that is being written.
    await rm(path, { force: true }).catch(() => {});
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): unknown {
  const code = systemCode(cause);
  if (code === undefined) return cause;
  const hint = 'free space, or choose an output in a folder that you may write to';
  return new RunError('unwritable', `cannot write ${path} (${code})`, hint, { cause });
}

interface Held {
  readonly path: string;
  readonly output: string;
  readonly own: Holder;
  readonly handle: FileHandle;
}

function hold({ path, output, own, handle }: Held, { beatMs }: LockTiming): Lock {
  const lost = new AbortController();
  const { signal } = lost;
  let beats = 0;
  let released = false;
  const check = async () => {
    signal.throwIfAborted();
    const [mine, there] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
    if (there?.ino === mine.ino || released) return;
    const hint = 'start again in another output, or find out what deleted this one';
    lost.abort(new RunError('output-lost', `${output} was deleted or taken over during the run`, hint));
    signal.throwIfAborted();
  };
  const beat = async () => {
    // Into the file that was opened: one that another process has put in its place is never written to.
    await handle.write(textOf(own, ++beats), 0);
    await check();
  };
  // A file system that does not answer for a while is no reason to end a run: the next sign tells.
  const timer = setInterval(() => void beat().catch(() => {}), beatMs).unref();
  return {
    lost: signal,
    check,
    async release() {
      if (released) return;
      clearInterval(timer);
      const still = await check().then(
        () => true,
        () => false,
      );
      released = true;
      await handle.close();
      if (still) await rm(path, { force: true });
    },
  };
}

interface Found {
  readonly text: string;
  /** Undefined where the file is not a whole lock: its holder is writing it, or died while it did. */
  readonly holder: Holder | undefined;
}

async function holderOf(path: string): Promise<Found | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
  try {
    const { token, pid, host, machine: where, started } = JSON.parse(text);
    return { text, holder: { token, pid: Number(pid), host: String(host), machine: where, started } };
  } catch {
    return { text, holder: undefined };
  }
}

/** Whether a holder lives: at once where this machine can tell, else by the signs that it gives. */
async function lives(
  path: string,
  found: Found,
  { timing: { beatMs, patienceMs }, signal }: LockOptions & { readonly timing: LockTiming },
): Promise<boolean> {
  const state = found.holder === undefined ? 'unknown' : processState(found.holder);
  if (state !== 'unknown') return state === 'alive';
  for (let waited = 0; waited < patienceMs; waited += beatMs / 2) {
    await sleep(beatMs / 2, undefined, { signal }).catch(() => signal?.throwIfAborted());
    const now = await holderOf(path);
    if (now === undefined) return false;
    if (now.text !== found.text) return true;
  }
  return false;
}

/** Removes the lock of a holder that died, unless it has changed. */
async function remove(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}.gram-tmp`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if (isMissing(cause)) return;
    throw cause;
  }
  const moved = await readFile(aside, 'utf8');
  // Somebody else was faster: what was moved is the lock of a process that lives.
  if (moved !== text) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
