import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256, writeFileAtomic } from '@gram/base';
import { z } from 'zod';
import { ModelError } from '../error.js';
import { exists } from '../files/read.js';
import { prepare, readRef, snapshotFolder, writeRef } from '../hub/cache.js';
import { ensureFile, type Transfer, verifiesByDefault } from '../hub/download.js';
import { cacheFolder, connectHub } from '../hub/hub-client.js';
import type { HubFile } from '../hub/listing.js';
import { type DatasetReference, parseDatasetReference } from '../hub/reference.js';
import type { ResolveOptions } from '../hub/resolve-model.js';
import { HubUnavailable } from '../hub/unavailable.js';
import { isOwnBlob } from '../hub/verify.js';

/** Options of `resolveDataset`. */
export interface ResolveDatasetOptions extends ResolveOptions {
  /** Whether a file of this name can be read; others are not fetched. */
  readonly isReadable: (name: string) => boolean;
  /** Whether the path of a file fits a pattern. */
  readonly matches: (pattern: string, path: string) => boolean;
}

/** Largest number of files of a data set that are fetched. */
const FILE_LIMIT = 10_000;
/** A path whose parts begin with a letter, a digit or `_`, so that none leads out of the folder. */
const safePath = /^\w[\w .=,+-]*(?:\/\w[\w .=,+-]*)*$/;
const namesSchema = z.array(z.string().regex(safePath));

/**
 * Fetches the files of a data set of the Hugging Face hub, `hf://datasets/owner/name@revision/path`, into the cache that
 * `resolveModel` uses, and returns their path there: that of a file, of a folder or of a pattern. Of the revision
 * `refs/convert/parquet` every data set has Parquet files in folders named by configuration and split. When the hub cannot be
 * reached, what was fetched before of the same path and revision is used.
 *
 * @returns undefined for a text that does not begin with `hf://datasets/`
 * @throws {ModelError} as `resolveModel`, and `file-missing` where the path fits no file that can be read
 */
export async function resolveDataset(
  text: string,
  options: ResolveDatasetOptions,
): Promise<string | undefined> {
  const { signal, onNote = () => undefined, verify = verifiesByDefault() } = options;
  signal?.throwIfAborted();
  const reference = parseDatasetReference(text);
  if (reference === undefined) return undefined;
  const root = await cacheFolder(reference);
  const client = await connectHub(reference, { onNote, signal });
  const isWanted = wantedFiles(reference, options);
  let commit: string;
  let files: readonly HubFile[];
  try {
    commit = await client.commit();
    files = [...(await client.list(commit, isWanted)).files.values()];
  } catch (error) {
    if (error instanceof HubUnavailable) return useCache(root, reference, { verify, signal, problem: error });
    throw error;
  }
  checkCount(reference, files.length);
  await fetchFiles({ root, client, reference, commit, signal, verify, onNote }, files, options.onProgress);
  await writeNames(root, commit, reference, files);
  await writeRef(root, reference.revision, commit);
  return join(snapshotFolder(root, commit), reference.path);
}

/** Chooses the files of a path: the file itself, those of a folder, or those that fit a pattern. */
function wantedFiles(
  { path }: DatasetReference,
  { isReadable, matches }: ResolveDatasetOptions,
): (name: string) => boolean {
  const folder = path === '' || path.endsWith('/') ? path : `${path}/`;
  return (name) =>
    safePath.test(name) &&
    isReadable(name) &&
    (name.startsWith(folder) || name === path || matches(path, name));
}

function checkCount({ repo, revision, path }: DatasetReference, count: number): void {
  if (count === 0) {
    const where = path === '' ? '' : ` at ${path}`;
    throw new ModelError(
      'file-missing',
      `the data set ${repo} has no file of records${where} at revision ${revision}`,
      `look at its files; hf://datasets/${repo}@refs/convert/parquet has most data sets as Parquet`,
    );
  }
  if (count <= FILE_LIMIT) return;
  throw new ModelError(
    'too-large',
    `the data set ${repo} has ${count} files and ${FILE_LIMIT} are allowed`,
    'add the path of a folder, or a pattern of fewer files',
  );
}

async function fetchFiles(
  transfer: Transfer,
  files: readonly HubFile[],
  onProgress: ResolveOptions['onProgress'],
): Promise<void> {
  await prepare(transfer.root, transfer.commit);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  onProgress?.(done, total);
  for (const file of files) {
    transfer.signal?.throwIfAborted();
    await ensureFile(transfer, file, (bytes) => {
      if (bytes < file.size) onProgress?.(done + bytes, total);
    });
    done += file.size;
    onProgress?.(done, total);
  }
}

/** The list of the files that a path meant at a commit, which tells without the hub whether all are here. */
function namesPath(root: string, commit: string, { path }: DatasetReference): string {
  return join(root, 'gram', `${commit}-${sha256(path).slice(0, 16)}.json`);
}

async function writeNames(
  root: string,
  commit: string,
  reference: DatasetReference,
  files: readonly HubFile[],
): Promise<void> {
  const path = namesPath(root, commit, reference);
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, JSON.stringify(files.map(({ name }) => name)));
}

async function useCache(
  root: string,
  reference: DatasetReference,
  {
    verify,
    signal,
    problem,
  }: { readonly verify: boolean; readonly signal: AbortSignal | undefined; readonly problem: HubUnavailable },
): Promise<string> {
  const { repo, revision, path } = reference;
  const commit = await readRef(root, revision);
  const names = commit === undefined ? undefined : await readNames(namesPath(root, commit, reference));
  const folder = snapshotFolder(root, commit ?? '');
  const found = await Promise.all((names ?? []).map((name) => exists(join(folder, name))));
  if (names === undefined || !found.every(Boolean)) {
    throw new ModelError(
      'read-failed',
      `the data set ${repo} at ${revision} is not complete in the cache, and the hub cannot be asked: ${problem.message}`,
      'check the network, set HF_ENDPOINT to a hub that can be reached, or give a local file',
      { cause: problem },
    );
  }
  for (const name of verify ? names : []) {
    if (await isOwnBlob(join(folder, name), signal)) continue;
    throw new ModelError(
      'read-failed',
      `${name} of ${repo} in the cache is damaged: its hash is not the one that it was stored under`,
      `delete ${join(folder, name)}, and run it again when the hub can be reached`,
    );
  }
  return join(folder, path);
}

async function readNames(path: string): Promise<readonly string[] | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  try {
    return text === undefined ? undefined : namesSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
