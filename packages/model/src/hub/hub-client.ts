import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../error.js';
import { hubFetch } from './hub-fetch.js';
import type { HubFile, Listing } from './listing.js';
import { isPickle } from './needed-files.js';
import type { Patience } from './patience.js';
import type { RepoReference } from './reference.js';
import { HubUnavailable } from './unavailable.js';

/** Content of a file from a position on. */
export interface Content {
  /** Position of the first byte. A server that knows no ranges starts at 0. */
  readonly from: number;
  /** Size of the whole file in bytes, undefined where the server does not tell. */
  readonly total: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A repository on the hub. Its methods throw `HubUnavailable` when the hub cannot be asked, otherwise `ModelError`. */
export interface HubClient {
  /** The commit that the revision means now. */
  commit(): Promise<string>;
  /** Lists its files whose names `isWanted` takes. */
  list(commit: string, isWanted: (name: string) => boolean): Promise<Listing>;
  open(commit: string, file: HubFile, from: number): Promise<Content>;
}

// All of these become names of folders and files in the cache, so the hub must not choose them freely.
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const sha1 = z.string().regex(/^[0-9a-f]{40}$/);
const size = z.number().int().min(0);
const infoSchema = z.object({ sha: sha1 });
const entrySchema = z.object({ type: z.string(), path: z.string() });
const fileSchema = z.object({
  size,
  oid: sha1,
  lfs: z.object({ oid: sha256, size }).nullish(),
  xetHash: sha256.nullish(),
});

// Only those who load from the hub pay for loading the library.
const library = () => import('@huggingface/hub');

function misunderstood(cause: unknown): ModelError {
  return new ModelError(
    'bad-json',
    'an answer of the hub is not understood',
    'check HF_ENDPOINT, if it is set, and whether a proxy answers in place of the hub',
    { cause },
  );
}

/** Runs a call of the library: its errors are about an answer of the hub, errors of this package pass through. */
async function understand<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ModelError || error instanceof HubUnavailable) throw error;
    // The answer is a page that asks for a login, and does not come from the hub.
    if (error instanceof SyntaxError) throw new HubUnavailable('its answer is not JSON', { cause: error });
    throw misunderstood(error);
  }
}

function setting(name: string): string | undefined {
  const text = process.env[name]?.trim();
  return text === '' ? undefined : text;
}

async function endpointUrl(): Promise<string> {
  const endpoint = (setting('HF_ENDPOINT') ?? (await library()).HUB_URL).replace(/\/+$/, '');
  if (/^https?:/.test(endpoint) && URL.canParse(endpoint)) return endpoint;
  throw new ModelError('bad-request', 'HF_ENDPOINT is not an address', 'set it to https://..., or unset it');
}

/** Returns the folder of a repository in the cache, which the Python library uses too. */
export async function cacheFolder({ kind, repo }: Pick<RepoReference, 'kind' | 'repo'>): Promise<string> {
  const { getHFHubCachePath, getRepoFolderName } = await library();
  // The Python library expands the home folder in its variables, the library here does not.
  const root = getHFHubCachePath().replace(/^~(?=$|[\\/])/, homedir());
  return join(root, getRepoFolderName({ type: kind, name: repo }));
}

function toFile(name: string, entry: unknown): HubFile {
  const { size, oid, lfs, xetHash } = fileSchema.parse(entry);
  if (lfs) return { name, size: lfs.size, blob: lfs.oid, hash: 'sha256' };
  // Not the hash of the content, so it must not look like one.
  if (xetHash) return { name, size, blob: `xet-${xetHash}`, hash: undefined };
  return { name, size, blob: oid, hash: 'git' };
}

/** Returns the size of the whole file that a response tells; that of a compressed response is another one. */
function totalOf(response: Response): number | undefined {
  const range = response.headers.get('Content-Range')?.split('/')[1];
  const text = response.status === 206 ? range : response.headers.get('Content-Length');
  if (response.headers.has('Content-Encoding') || !text || !/^\d+$/.test(text)) return undefined;
  return Number(text);
}

/** Returns the position of the first byte that a response tells. */
function startOf(response: Response): number {
  if (response.status !== 206) return 0;
  return Number(/^bytes (\d+)-/.exec(response.headers.get('Content-Range') ?? '')?.[1]);
}

/**
 * Opens a repository on the hub that `HF_ENDPOINT` names, with the token in `HF_TOKEN`.
 *
 * The library finds the commit of a revision and its files. Content is read from the documented
 * address: `downloadFileToCacheDir` checks neither sizes nor hashes, takes names of blobs from the server unchecked, and
 * lets two processes write one unfinished file.
 */
export async function connectHub(reference: RepoReference, patience: Patience): Promise<HubClient> {
  const { signal } = patience;
  const { kind, repo, revision } = reference;
  const hubUrl = await endpointUrl();
  // Not given to the library, which refuses tokens of other hubs and sends it wherever an answer points to.
  const { metadata, content } = hubFetch(hubUrl, setting('HF_TOKEN'), reference, patience);
  const { datasetInfo, listFiles, modelInfo } = await library();
  const address = `${hubUrl}/${kind === 'model' ? '' : 'datasets/'}${repo}`;
  return {
    commit: () =>
      understand(async () => {
        const asked = { name: repo, revision, additionalFields: ['sha' as const], hubUrl, fetch: metadata };
        const info = kind === 'model' ? await modelInfo(asked) : await datasetInfo(asked);
        return infoSchema.parse(info).sha;
      }, signal),
    list: (commit, isWanted) =>
      understand(async () => {
        const files = new Map<string, HubFile>();
        let pickled = false;
        const entries = listFiles({
          repo: { type: kind, name: repo },
          // The files of a model lie at the top.
          recursive: kind === 'dataset',
          revision: commit,
          hubUrl,
          fetch: metadata,
        });
        for await (const entry of entries) {
          const { type, path } = entrySchema.parse(entry);
          if (type !== 'file') continue;
          pickled ||= isPickle(path);
          if (isWanted(path)) files.set(path, toFile(path, entry));
        }
        return { files, pickled };
      }, signal),
    open: async (commit, file, from) => {
      const response = await content(
        `${address}/resolve/${commit}/${file.name.split('/').map(encodeURIComponent).join('/')}`,
        // A range of compressed content would be another range.
        { headers: { 'Accept-Encoding': 'identity', ...(from > 0 && { Range: `bytes=${from}-` }) } },
      );
      return { from: startOf(response), total: totalOf(response), body: response.body ?? emptyBody() };
    },
  };
}

async function* emptyBody(): AsyncIterable<Uint8Array> {}
