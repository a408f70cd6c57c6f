import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { systemCode, writeStreamAtomic } from '@gram/base';
import { ModelError } from '../error.js';
import type { HubClient } from './hub-client.js';
import type { HubFile } from './listing.js';
import type { HubReference } from './reference.js';

// Milliseconds before each new attempt; an attempt that brought new bytes starts them anew.
const WAITS = [0, 500, 2000];

function startHash(file: HubFile): Hash | undefined {
  if (file.hash === undefined) return undefined;
  if (file.hash === 'sha256') return createHash('sha256');
  // https://git-scm.com/book/en/v2/Git-Internals-Git-Objects: a header goes before the content.
  return createHash('sha1').update(`blob ${file.size}\0`);
}

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

/** Whether another attempt could help: not when we refused what came, and not when the disk failed. */
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
  readonly reference: HubReference;
  readonly commit: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Fetches a file to a path, where it appears when it is whole and its size and hash are those that the hub lists. A cut
 * connection is taken up where it broke. The content streams: no more than a few chunks are in memory.
 *
 * @param onBytes gets the bytes of this file that have arrived.
 * @throws {ModelError} `read-failed` when what arrived is different or the connection stays cut, `write-failed`
 */
export async function downloadFile(
  { client, reference: { repo }, commit, signal }: DownloadContext,
  file: HubFile,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  await writeStreamAtomic(path, async (handle) => {
    let hash = startHash(file);
    let position = 0;
    let furthest = 0;
    let attempt = 0;

    const receive = async () => {
      const { from, total, body } = await client.open(commit, file, position);
      if (total !== undefined && total !== file.size) {
        throw different(repo, file, `has ${total} bytes, the hub lists ${file.size}`);
      }
      if (from !== position) {
        if (from !== 0) throw different(repo, file, 'starts elsewhere than was asked for');
        hash = startHash(file);
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
        if (attempt === WAITS.length) {
          throw new ModelError(
            'read-failed',
            `the download of ${file.name} of ${repo} was cut off at ${position} of ${file.size} bytes`,
            'check the network and run it again; files that are complete are not fetched again',
            { cause: error },
          );
        }
        await wait(attempt++, signal);
      }
    }
    if (hash === undefined || hash.digest('hex') === file.blob) return;
    throw different(repo, file, 'has another hash than the hub lists');
  });
}
