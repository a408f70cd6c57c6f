import { quote } from '@gram/base';
import { ModelError } from '../error.js';
import { isBusy, type Patience, patiently, statusOf, watchedBody, watchSilence } from './patience.js';
import type { RepoReference } from './reference.js';
import { HubUnavailable } from './unavailable.js';

// Limit of an answer with metadata. The largest listings have a few megabytes.
const MAX_ANSWER_BYTES = 50_000_000;
// A listing that names a next page forever must end.
const MAX_ANSWERS = 1000;
/** From the hub to the store of large files there is one. */
const MAX_REDIRECTS = 10;

/** Returns the reason of a failed connection: the system's code where there is one. */
function reasonOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Keeps abortion apart from failure: what the caller gave as its reason is thrown, everything else is unavailability. */
export function unavailable(error: unknown, signal: AbortSignal | undefined): HubUnavailable {
  signal?.throwIfAborted();
  if (error instanceof HubUnavailable) return error;
  return new HubUnavailable(`it could not be reached: ${reasonOf(error)}`, { cause: error });
}

function accessError(response: Response, { repo }: RepoReference, token: string | undefined): ModelError {
  const { status } = response;
  if (response.headers.get('X-Error-Code') === 'GatedRepo') {
    return new ModelError(
      'read-failed',
      `${repo} is gated, and the hub refuses it ${token === undefined ? 'without a token' : 'to this token'} (${status})`,
      'accept its license on its page, then set HF_TOKEN to a token of the same account',
    );
  }
  if (token === undefined) {
    // The hub gives the same answer for all three, so that nobody learns which private models exist.
    return new ModelError(
      'read-failed',
      `the hub refuses ${repo} without a token (${status}): it is private, gated or does not exist`,
      'check the name; for a gated model accept its license on its page; then set HF_TOKEN',
    );
  }
  return new ModelError(
    'read-failed',
    `the hub refuses ${repo} to the token in HF_TOKEN (${status})`,
    'check that the token is valid and may read this model; for a gated model accept its license with the same account',
  );
}

function missingError(response: Response, { kind, repo, revision }: RepoReference): ModelError {
  const code = response.headers.get('X-Error-Code');
  if (code === 'RevisionNotFound') {
    return new ModelError(
      'file-missing',
      `${repo} has no revision ${quote(revision)}`,
      'give a branch, a tag or a full commit',
    );
  }
  if (code === 'EntryNotFound') {
    return new ModelError('file-missing', `${repo} lost a file that it lists`, 'try again later');
  }
  const other = code === null ? `, or it has no revision ${quote(revision)}` : '';
  if (kind === 'dataset') {
    return new ModelError(
      'file-missing',
      `no data set of the hub is called ${repo}${other}`,
      'check the name',
    );
  }
  return new ModelError(
    'file-missing',
    `neither a directory nor a model of the hub is called ${repo}${other}`,
    'check the name; start the path of a directory with ./',
  );
}

function statusError(response: Response, reference: RepoReference, token: string | undefined): Error {
  const { status } = response;
  if (status === 401 || status === 403) return accessError(response, reference, token);
  if (status === 404) return missingError(response, reference);
  if (status === 408 || status === 429 || status >= 500) {
    return new HubUnavailable(`it answered ${statusOf(response)}`, { isBusy: isBusy(status) });
  }
  return new ModelError(
    'read-failed',
    `the hub answered ${statusOf(response)} for ${reference.repo}`,
    'check HF_ENDPOINT, if it is set',
  );
}

async function bounded(response: Response, signal: AbortSignal | undefined): Promise<Response> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw unavailable(error, signal);
  }
  if (size > MAX_ANSWER_BYTES) {
    throw new ModelError(
      'too-large',
      `an answer of the hub has over ${MAX_ANSWER_BYTES} bytes`,
      'check HF_ENDPOINT, if it is set',
    );
  }
  return new Response(Buffer.concat(chunks), { status: response.status, headers: response.headers });
}

/** Follows redirects, of which a circle would have no end. */
async function follow(first: URL, request: (url: URL) => Promise<Response>): Promise<Response> {
  const refuse = (problem: string) =>
    new ModelError('read-failed', `the hub ${problem}`, 'check HF_ENDPOINT, and the proxy if there is one');
  const seen = new Set<string>();
  let url = first;
  for (;;) {
    if (seen.has(url.href))
      throw refuse(`redirects ${quote(first.href)} in a circle, back to ${quote(url.href)}`);
    if (seen.size > MAX_REDIRECTS)
      throw refuse(`redirects ${quote(first.href)} more than ${MAX_REDIRECTS} times`);
    seen.add(url.href);
    const response = await request(url);
    const target = response.headers.get('Location');
    if (target === null || response.status < 300 || response.status > 399) return response;
    await response.body?.cancel().catch(() => undefined);
    if (!URL.canParse(target, url.href)) throw refuse(`redirects to ${quote(target)}, which is no address`);
    url = new URL(target, url);
    if (!/^https?:$/.test(url.protocol))
      throw refuse(`redirects to ${quote(target)}, which is not on the web`);
  }
}

/** Requests to one hub. */
export interface HubFetch {
  /** Requests of the library, whose answers are limited in number and size. */
  readonly metadata: typeof fetch;
  /** Requests for the content of files. */
  readonly content: typeof fetch;
}

/**
 * Makes the requests of one call. The token goes to the hub itself and to no other address, whatever the hub's answers name
 * as the next page or the place of a file. Every status but success becomes an error here, because the headers
 * tell more than what the library keeps of them.
 */
export function hubFetch(
  endpoint: string,
  token: string | undefined,
  reference: RepoReference,
  patience: Patience,
): HubFetch {
  const { origin } = new URL(endpoint);
  const { signal } = patience;
  /** One request and those that it is redirected to. */
  const ask = async (first: URL, init: RequestInit | undefined): Promise<Response> => {
    const watch = watchSilence(patience);
    try {
      const response = await follow(first, (url) => {
        const headers = new Headers(init?.headers);
        if (token !== undefined && url.origin === origin) headers.set('Authorization', `Bearer ${token}`);
        return fetch(url, { ...init, headers, redirect: 'manual', signal: watch.signal });
      });
      return watchedBody(response, watch);
    } catch (error) {
      watch.end();
      if (error instanceof ModelError) throw error;
      throw unavailable(error, signal);
    }
  };
  const content: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const response = await patiently(() => ask(url, init), patience);
    if (response.ok) return response;
    // The connection is free again only when the body was read or canceled.
    await response.body?.cancel().catch(() => undefined);
    throw statusError(response, reference, token);
  };
  let answers = 0;
  const metadata: typeof fetch = async (input, init) => {
    if (++answers > MAX_ANSWERS) {
      throw new ModelError(
        'too-large',
        `the hub lists ${reference.repo} on more than ${MAX_ANSWERS} pages`,
        'check HF_ENDPOINT, if it is set',
      );
    }
    return bounded(await content(input, init), signal);
  };
  return { metadata, content };
}
