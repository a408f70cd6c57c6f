import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../error.js';
import { prepare, readRef, snapshotFolder, writeRef } from './cache.js';
import { type Checking, ensureFile, type Transfer, verifiesByDefault } from './download.js';
import { cacheFolder, connectHub } from './hub-client.js';
import type { Listing } from './listing.js';
import { chooseFiles, isComplete, isReadable, listedShards } from './needed-files.js';
import { type HubReference, parseReference } from './reference.js';
import { HubUnavailable } from './unavailable.js';
import { isOwnBlob } from './verify.js';

/** Options of `resolveModel`. */
export interface ResolveOptions {
  /**
   * Receives the bytes that are here, with what the cache had already, and those of all files together. It is called at the
   * start of the transfer and after each piece, but not for a directory or when the cache serves without the hub.
   */
  readonly onProgress?: (done: number, total: number) => void;
  /** Gets a sentence where the transfer waits or repeats something. @default nobody hears of it */
  readonly onNote?: (text: string) => void;
  /** Ends the transfer; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
  /**
   * Whether files of the cache are checked against their hashes when they are first used in a process.
   *
   * @default true, unless the variable `GRAM_HUB_VERIFY` is `0`
   */
  readonly verify?: boolean;
}

/** Returns the directory in the cache, or the file in it that was asked for. */
function resultPath(root: string, commit: string, { file }: HubReference): string {
  const dir = snapshotFolder(root, commit);
  return file === undefined ? dir : join(dir, file);
}

/** Returns the files of a revision in the cache, if it has all of them. */
async function fromCache(
  root: string,
  reference: HubReference,
  { verify, signal }: Checking,
): Promise<string | undefined> {
  const commit = await readRef(root, reference.revision);
  if (commit === undefined || !(await isComplete(snapshotFolder(root, commit), reference))) return undefined;
  if (verify) await checkSnapshot(snapshotFolder(root, commit), reference, signal);
  return resultPath(root, commit, reference);
}

/** Checks what would be read of a snapshot, without the hub: the names of blobs are hashes. */
async function checkSnapshot(dir: string, { repo, file }: HubReference, signal: AbortSignal | undefined) {
  const isRead = (name: string) =>
    file === undefined ? isReadable(name) && !name.endsWith('.gguf') : name === file;
  for (const name of (await readdir(dir)).filter(isRead)) {
    const path = join(dir, name);
    if (await isOwnBlob(path, signal)) continue;
    throw new ModelError(
      'read-failed',
      `${name} of ${repo} in the cache is damaged: its hash is not the one that it was stored under`,
      `delete ${path}, and run it again when the hub can be reached`,
    );
  }
}

async function useCache(
  root: string,
  reference: HubReference,
  { problem, ...checking }: Checking & { readonly problem: HubUnavailable },
): Promise<string> {
  const cached = await fromCache(root, reference, checking);
  if (cached !== undefined) return cached;
  throw new ModelError(
    'read-failed',
    `${reference.repo} at ${reference.revision} is not complete in the cache, and the hub cannot be asked: ${problem.message}`,
    'check the network, set HF_ENDPOINT to a hub that can be reached, or give a local directory',
    { cause: problem },
  );
}

async function fetchSnapshot(
  transfer: Transfer & { readonly reference: HubReference },
  listing: Listing,
  onProgress: ResolveOptions['onProgress'],
): Promise<void> {
  const { root, reference, commit, signal } = transfer;
  const { small, index, weights } = chooseFiles(reference, listing);
  await prepare(root, commit);
  // This comes before everything else, because it tells the size of the whole.
  if (index !== undefined) await ensureFile(transfer, index, () => undefined);
  const shards =
    index === undefined ? [] : await listedShards(snapshotFolder(root, commit), reference, listing);
  const total = [index ?? [], small, weights, shards].flat().reduce((sum, { size }) => sum + size, 0);
  let done = index?.size ?? 0;
  onProgress?.(done, total);
  // The weights come last: where they are, the rest is, see `isComplete`.
  for (const file of [...small, ...weights, ...shards]) {
    signal?.throwIfAborted();
    await ensureFile(transfer, file, (bytes) => {
      if (bytes < file.size) onProgress?.(done + bytes, total);
    });
    done += file.size;
    onProgress?.(done, total);
  }
}

/**
 * Returns the directory of a model, which is fetched from the Hugging Face hub if need be.
 *
 * A path is returned as it is: what exists, and what starts with `.`, `/` or `~`, holds a backslash, or has no slash or
 * more than one. Everything else is a model of the hub, `owner/name` or `owner/name@revision` (default `main`), and the
 * result is its directory in the cache. `owner/name/file.gguf` fetches that file alone and returns its path.
 *
 * It fetches what a model needs: configuration, tokenizer, chat template, `model.safetensors` or its shards, an adapter.
 * It fetches nothing else, and never pickled weights or code. Each file appears in the cache when its size and hash are those
 * that the hub lists; one that is there is checked when a process first uses it, and not fetched again. A cut connection
 * is taken up where it broke, also by the next call. A busy hub (429, 503) is waited for as it asks, for two minutes at
 * most; a connection that is silent for 30 seconds, or those of `HF_HUB_DOWNLOAD_TIMEOUT`, is given up. When the hub cannot
 * be reached or is broken, what the cache last had of the revision is used, if it is complete.
 *
 * The cache is that of the Python library, at `HF_HUB_CACHE`, or `hub` in `HF_HOME`, by default in the user's cache
 * folder. `HF_TOKEN` holds the token for private and gated models, `HF_ENDPOINT` the address of another hub.
 *
 * @throws {ModelError} `bad-request` for what is neither path nor model, `file-missing` when the hub has no such model,
 * revision or file, or no weights that can be read, `read-failed` when it refuses access, cannot be reached, or sends
 * something else than it lists, `bad-json`, `bad-weights` and `too-large` for answers and files out of bounds,
 * `write-failed` when the cache cannot be written. The reason of `signal` when it is aborted.
 */
export async function resolveModel(
  pathOrRepo: string,
  { onProgress, onNote = () => undefined, signal, verify = verifiesByDefault() }: ResolveOptions = {},
): Promise<string> {
  signal?.throwIfAborted();
  const reference = await parseReference(pathOrRepo);
  if (reference === undefined) return pathOrRepo;
  const root = await cacheFolder(reference);
  const client = await connectHub(reference, { onNote, signal });
  let commit: string;
  let listing: Listing;
  try {
    commit = await client.commit();
    listing = await client.list(commit, isReadable);
  } catch (error) {
    if (error instanceof HubUnavailable)
      return useCache(root, reference, { problem: error, verify, onNote, signal });
    throw error;
  }
  await fetchSnapshot({ root, client, reference, commit, signal, verify, onNote }, listing, onProgress);
  // This comes last, so that a reference never leads to a snapshot that is not complete.
  await writeRef(root, reference.revision, commit);
  return resultPath(root, commit, reference);
}
