import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemCode } from '@gram/base';
import { ModelError } from '../error.js';
import { blobPath, holds, linkBlob, snapshotFolder } from './cache.js';
import type { HubClient } from './hub-client.js';
import type { HubFile } from './listing.js';
import { writePartially } from './partial.js';
import type { RepoReference } from './reference.js';
import { HubUnavailable } from './unavailable.js';
import { isIntact, markIntact, startHash } from './verify.js';

// Milliseconds to wait before each new attempt. An attempt that brought new bytes starts the list again.
const WAITS = [0, 500, 2000];

function different(repo: string, file: HubFile, problem: string): ModelError {
  return new ModelError(
    'read-failed',
    `what arrived as ${file.name} of ${repo} ${problem}`,
    'try again; if it stays, a proxy or a mirror changes files: check HF_ENDPOINT and the network',
  );
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Tells whether another attempt could help. It cannot when the content was refused or the disk failed. */
function isInterruption(error: unknown): boolean {
  return !(error instanceof ModelError) && systemCode(error) === undefined;
}

async function wait(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const aborted = () => signal?.throwIfAborted();
  await setTimeout(WAITS[attempt], undefined, { signal }).catch(aborted);
}

/** Context of a download: the call that it belongs to. */
export interface DownloadContext {
  readonly client: HubClient;
  readonly reference: RepoReference;
  readonly commit: string;
  readonly signal: AbortSignal | undefined;
}

/** A file arrived with another hash than the hub lists. */
class OtherHash extends ModelError {}

/**
 * Fetches a file to a path, where it appears when it is whole and its size and hash are those that the hub lists. A cut
 * connection is taken up where it broke, and so is what an earlier call left. The content streams: no more than a few
 * chunks are in memory.
 *
 * @param onBytes gets the bytes of this file that have arrived.
 * @throws {ModelError} `read-failed` when what arrived is different or the connection stays cut, `write-failed`
 */
export async function downloadFile(
  context: DownloadContext,
  file: HubFile,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { signal } = context;
  await writePartially(
    path,
    async (handle, had) => {
      try {
        await fill(context, file, { handle, had: Math.min(had, file.size) }, onBytes);
      } catch (error) {
        // The part may be of a file that was damaged on this machine.
        if (!(error instanceof OtherHash) || had === 0) throw error;
        await handle.truncate(0);
        await fill(context, file, { handle, had: 0 }, onBytes);
      }
    },
    (error) =>
      signal?.aborted === true ||
      (error instanceof ModelError && error.cause !== undefined && isInterruption(error.cause)),
  );
}

/** A file that is being written, and the number of bytes that an earlier call left in it. */
interface Started {
  readonly handle: FileHandle;
  readonly had: number;
}

async function fill(
  { client, reference: { repo }, commit, signal }: DownloadContext,
  file: HubFile,
  { handle, had }: Started,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let hash = newHash(file);
  let position = had;
  let furthest = had;
  let attempt = 0;
  if (had > 0) {
    for await (const chunk of handle.createReadStream({ start: 0, end: had - 1, autoClose: false }))
      hash?.update(chunk);
    onBytes(had);
  }

  const receive = async () => {
    const { from, total, body } = await client.open(commit, file, position);
    if (total !== undefined && total !== file.size) {
      throw different(repo, file, `has ${total} bytes, the hub lists ${file.size}`);
    }
    if (from !== position) {
      if (from !== 0) throw different(repo, file, 'starts elsewhere than was asked for');
      hash = newHash(file);
      position = 0;
    }
    for await (const chunk of body) {
      if (position + chunk.length > file.size) {
        throw different(repo, file, `has more than the ${file.size} bytes that the hub lists`);
      }
      await writeFully(handle, chunk, position);
      hash?.update(chunk);
      position += chunk.length;
      if (position > furthest) {
        furthest = position;
        attempt = 0;
        onBytes(furthest);
      }
    }
    if (position < file.size) throw new Error(`the content ended after ${position} bytes`);
  };

  while (position < file.size) {
    try {
      await receive();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isInterruption(error)) throw error;
      // A hub that says that it is busy was waited for already.
      const isBusy = error instanceof HubUnavailable && error.isBusy;
      if (attempt === WAITS.length || isBusy) throw cutOff(repo, file, position, error);
      await wait(attempt++, signal);
    }
  }
  if (hash === undefined || hash.digest('hex') === file.blob) return;
  const { code, message, hint } = different(repo, file, 'has another hash than the hub lists');
  throw new OtherHash(code, message, hint);
}

function newHash({ hash, size }: HubFile): Hash | undefined {
  return hash === undefined ? undefined : startHash(hash, size);
}

function cutOff(repo: string, { name, size }: HubFile, position: number, cause: unknown): ModelError {
  const reason = cause instanceof HubUnavailable ? `: ${cause.message}` : '';
  return new ModelError(
    'read-failed',
    `the download of ${name} of ${repo} was cut off at ${position} of ${size} bytes${reason}`,
    'check the network and run it again; it goes on where it was cut off',
    { cause },
  );
}

/** Options of a look into the cache. */
export interface Checking {
  readonly verify: boolean;
  readonly onNote: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Whether files of the cache are checked where nobody says it. */
export function verifiesByDefault(): boolean {
  return process.env.GRAM_HUB_VERIFY?.trim() !== '0';
}

/** Context of a transfer. */
export type Transfer = DownloadContext & Checking & { readonly root: string };

/** Makes sure that a file of the snapshot is there and whole, with as little transfer as possible. */
export async function ensureFile(
  transfer: Transfer,
  file: HubFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { root, commit, onNote } = transfer;
  const isGood = async (path: string) => {
    if (!(await holds(path, file.size))) return false;
    if (!transfer.verify || (await isIntact(path, file, transfer.signal))) return true;
    onNote(`${file.name} in the cache is damaged and is fetched again`);
    return false;
  };
  if (await isGood(join(snapshotFolder(root, commit), file.name))) return;
  const blob = blobPath(root, file);
  // Another revision may have the same content.
  if (!(await isGood(blob))) {
    await downloadFile(transfer, file, blob, onBytes);
    await markIntact(blob);
  }
  await linkBlob(root, commit, file);
}
