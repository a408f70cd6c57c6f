import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { quote, sha256, writeFileAtomic } from '@gram/base';
import { z } from 'zod';
import { ModelError } from '../error.js';
import { writePartially } from '../hub/partial.js';
import { type Patience, patiently, statusOf, watchedBody, watchSilence } from '../hub/patience.js';
import type { ResolveOptions } from '../hub/resolve-model.js';

/** Options of `fetchUrl`. */
export interface FetchUrlOptions extends Omit<ResolveOptions, 'verify'> {
  /** Whether a file of this name can be read; others are not fetched. */
  readonly isReadable: (name: string) => boolean;
}

/** The facts that are kept about a file that was fetched. */
const aboutSchema = z.object({
  /** Its entity tag or, where it has none, the time of its last change, as the server tells it. */
  validator: z.string().optional(),
  size: z.int().min(0),
});

type About = z.output<typeof aboutSchema>;

/**
 * Fetches the file at an address, `https://...`, into the cache and returns its path there. The server is asked each time whether
 * it has changed; where it cannot be reached, the file is used as it is. A transfer that was cut off goes on where it broke if
 * the server says that the file is the same. The cache is `GRAM_CACHE`, by default `gram` in the user's cache folder.
 *
 * @returns undefined for a text that is no such address
 * @throws {ModelError} `bad-request` for plain `http` to another machine, and for a file that cannot be read; `file-missing`,
 *   `read-failed`, `write-failed`. The reason of `signal` when it is aborted.
 */
export async function fetchUrl(
  text: string,
  { isReadable, onProgress, onNote = () => undefined, signal }: FetchUrlOptions,
): Promise<string | undefined> {
  if (!/^https?:\/\//.test(text)) return undefined;
  const url = checkedUrl(text);
  const name = decodedName(url);
  if (!isReadable(name)) {
    throw new ModelError(
      'bad-request',
      `cannot tell the form of ${quote(name)} at ${quote(url.host)}`,
      'give the address of a file whose name ends as those that can be read',
    );
  }
  const folder = join(cacheFolder(), 'downloads', sha256(url.href));
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  const about = await readAbout(folder, path);
  const patience = { onNote, signal };
  try {
    const response = await ask(url, conditional(about), patience);
    if (response.status === 304) return path;
    await save(response, { url, folder, path, patience, onProgress });
    return path;
  } catch (error) {
    signal?.throwIfAborted();
    if (about === undefined || !(error instanceof Unreachable)) throw error;
    onNote(`${url.host} cannot be reached; ${name} is used as it was fetched before`);
    return path;
  }
}

/** The server cannot be asked now. */
class Unreachable extends ModelError {}

function checkedUrl(text: string): URL {
  const refuse = (problem: string, hint: string) =>
    new ModelError('bad-request', `${quote(text)} ${problem}`, hint);
  if (!URL.canParse(text)) throw refuse('is no address', 'check it');
  const url = new URL(text);
  const isOwn = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'https:' || isOwn) return url;
  throw refuse('is not encrypted, so anybody on the way may change what it holds', 'use https://');
}

function decodedName({ pathname }: URL): string {
  try {
    return basename(decodeURIComponent(pathname)).replace(/[^\w.-]/g, '_');
  } catch {
    return basename(pathname);
  }
}

/** The folder of what can be made again: `GRAM_CACHE`, by default `gram` in the user's cache folder. */
export function cacheFolder(): string {
  const own = process.env.GRAM_CACHE?.trim();
  if (own !== undefined && own !== '') return own;
  const caches = process.env.XDG_CACHE_HOME?.trim();
  return join(caches === undefined || caches === '' ? join(homedir(), '.cache') : caches, 'gram');
}

async function readAbout(folder: string, path: string): Promise<About | undefined> {
  const text = await readFile(join(folder, 'about.json'), 'utf8').catch(() => undefined);
  const found = await stat(path).catch(() => undefined);
  if (text === undefined || found === undefined) return undefined;
  try {
    const about = aboutSchema.parse(JSON.parse(text));
    return about.size === found.size ? about : undefined;
  } catch {
    return undefined;
  }
}

function conditional(about: About | undefined): Record<string, string> {
  if (about?.validator === undefined) return {};
  return { [isTag(about.validator) ? 'If-None-Match' : 'If-Modified-Since']: about.validator };
}

function isTag(validator: string): boolean {
  return validator.startsWith('"') || validator.startsWith('W/"');
}

/** Asks for the file; statuses but 200, 206, 304 and 416 are errors. No token is ever sent. */
async function ask(url: URL, headers: Record<string, string>, patience: Patience): Promise<Response> {
  const request = async () => {
    const watch = watchSilence(patience);
    try {
      const init = { headers: { 'Accept-Encoding': 'identity', ...headers }, signal: watch.signal };
      return watchedBody(await fetch(url, init), watch);
    } catch (cause) {
      watch.end();
      throw cause;
    }
  };
  const response = await patiently(request, patience).catch((cause: Error) => {
    patience.signal?.throwIfAborted();
    const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
    throw new Unreachable('read-failed', `${url.host} could not be reached: ${reason}`, 'check the network', {
      cause,
    });
  });
  if ([200, 206, 304, 416].includes(response.status)) return response;
  await response.body?.cancel().catch(() => undefined);
  const { status } = response;
  const message = `${url.host} answered ${statusOf(response)} for ${quote(url.pathname)}`;
  if (status === 404 || status === 410) throw new ModelError('file-missing', message, 'check the address');
  const kind = status >= 500 || status === 429 ? Unreachable : ModelError;
  throw new kind('read-failed', message, 'check the address, and whether it can be read without signing in');
}

interface Target {
  readonly url: URL;
  readonly folder: string;
  readonly path: string;
  readonly patience: Patience;
  readonly onProgress: ResolveOptions['onProgress'];
}

/** Writes the content of a response. What an earlier call left of the same file is gone on with. */
async function save(first: Response, { url, folder, path, patience, onProgress }: Target): Promise<void> {
  const validator = validatorOf(first);
  let size = 0;
  await writePartially(
    validator === undefined ? path : `${path}.${sha256(validator).slice(0, 16)}`,
    async (handle, had) => {
      let response = first;
      let position = 0;
      if (had > 0 && validator !== undefined && isStrong(validator)) {
        await first.body?.cancel().catch(() => undefined);
        response = await ask(url, { Range: `bytes=${had}-`, 'If-Range': validator }, patience);
        if (response.status === 206 && startOf(response) === had) position = had;
        else if (response.status !== 200) {
          await response.body?.cancel().catch(() => undefined);
          response = await ask(url, {}, patience);
        }
      }
      await handle.truncate(position);
      const length = response.headers.get('Content-Length');
      const total = length === null ? undefined : position + Number(length);
      for await (const chunk of response.body ?? []) {
        await handle.write(chunk, 0, chunk.length, position);
        position += chunk.length;
        if (total !== undefined) onProgress?.(position, total);
      }
      if (total !== undefined && position !== total)
        throw new Error(`the content ended after ${position} of ${total} bytes`);
      size = position;
    },
    (error) => patience.signal?.aborted === true || !(error instanceof ModelError),
  ).catch((cause: Error) => {
    patience.signal?.throwIfAborted();
    if (cause instanceof ModelError) throw cause;
    const message = `the download from ${url.host} was cut off: ${cause.message}`;
    throw new ModelError('read-failed', message, 'run it again; it goes on where it was cut off', { cause });
  });
  await finish({ folder, path, validator, size });
}

/** Puts a file that has arrived in its place, and notes what is known of it. */
async function finish({
  folder,
  path,
  ...about
}: About & { readonly folder: string; readonly path: string }): Promise<void> {
  if (about.validator !== undefined) await rename(`${path}.${sha256(about.validator).slice(0, 16)}`, path);
  await writeFileAtomic(join(folder, 'about.json'), JSON.stringify(about));
}

function validatorOf({ headers }: Response): string | undefined {
  return headers.get('ETag') ?? headers.get('Last-Modified') ?? undefined;
}

/** Whether equal validators mean equal bytes (RFC 9110, section 8.8). */
function isStrong(validator: string): boolean {
  return validator.startsWith('"');
}

function startOf({ headers }: Response): number {
  return Number(/^bytes (\d+)-/.exec(headers.get('Content-Range') ?? '')?.[1]);
}
