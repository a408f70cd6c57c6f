import { RewardError } from './error.js';
import { rewardModelOf } from './from-function.js';
import type { Comparison, ComparisonItem, RewardModel } from './reward-model.js';

/** Options of `createRemoteRewardModel`. */
export interface RemoteOptions {
  /** Where `gram serve` listens, as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** @default the environment variable GRAM_API_KEY */
  readonly apiKey?: string;
  /** Milliseconds for the answer to one request. @default 60000 */
  readonly timeoutMs?: number;
  /** How often a request is sent again where the server is busy, restarting or out of reach. @default 8 */
  readonly retries?: number;
}

/** Items and characters of one request: a batch of the server, and well below its default limits. */
const MAX_ITEMS = 32;
const MAX_CHARACTERS = 2 ** 17;
/** An answer of `MAX_ITEMS` results is a hundredth of it. */
const MAX_ANSWER_BYTES = 2 ** 22;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 10_000;

/**
 * The reward model behind a server that `gram serve` started. Long lists are sent as several requests, one after the other. Busy
 * (429), restarting (503) and unreachable servers are asked again, after the time that they name or ever longer waits: asking
 * twice changes nothing. `kind` is `'generative'`, whatever model it is.
 *
 * `compare` throws RewardError `remote-failed` and the signal's reason.
 *
 * @throws RewardError `bad-option`
 */
export function createRemoteRewardModel({
  url,
  apiKey = process.env.GRAM_API_KEY,
  timeoutMs = 60_000,
  retries = 8,
}: RemoteOptions): RewardModel {
  const address = addressOf(url);
  const headers = {
    'Content-Type': 'application/json',
    'Gram-Deadline-Ms': String(timeoutMs),
    ...(apiKey === undefined || apiKey === '' ? {} : { Authorization: `Bearer ${apiKey}` }),
  };

  /** The answer, or how long to wait before the next try and why. */
  async function attempt(body: string, signal?: AbortSignal): Promise<unknown[] | Retry> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      // A redirect would carry the key to another place.
      const response = await fetch(address, {
        method: 'POST',
        headers,
        body,
        signal: either,
        redirect: 'error',
      });
      const answer = await readJson(response);
      if (response.ok) return resultsOf(answer);
      const { message, hint } = complaintOf(answer, response.status);
      if (response.status !== 429 && response.status !== 503) throw failed(message, hint);
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
      return { why: message, waitMs: seconds >= 0 ? 1000 * seconds : undefined };
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (cause instanceof RewardError) throw cause;
      if (timeout.aborted)
        throw failed(`there was no answer after ${timeoutMs} ms`, 'Allow more time.', cause);
      // What a connection that failed or broke off gives.
      return { why: `${address} can not be reached`, cause };
    }
  }

  async function send(items: readonly ComparisonItem[], signal?: AbortSignal): Promise<Comparison[]> {
    const body = JSON.stringify({ pairs: items.map(({ prompt, a, b }) => ({ prompt, a, b })) });
    for (let tries = 0; ; tries++) {
      signal?.throwIfAborted();
      const answer = await attempt(body, signal);
      if (Array.isArray(answer)) return comparisonsOf(answer, items.length);
      if (tries >= retries) throw failed(answer.why, 'Try again later.', answer.cause);
      // Clients that were refused together must not come back together.
      const growing = FIRST_WAIT_MS * 2 ** tries * (1 + Math.random());
      await sleep(Math.min(MAX_WAIT_MS, answer.waitMs ?? growing), signal);
    }
  }

  return rewardModelOf(async (items, { signal, onProgress } = {}) => {
    const results: Comparison[] = [];
    for (const part of parts(items)) {
      results.push(...(await send(part, signal)));
      onProgress?.(results.length, items.length);
    }
    return results;
  });
}

interface Retry {
  readonly why: string;
  readonly waitMs?: number;
  readonly cause?: unknown;
}

function addressOf(url: string): string {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base?.protocol === 'http:' || base?.protocol === 'https:') {
    return new URL('v1/compare', `${base.origin}${base.pathname.replace(/\/*$/, '/')}`).href;
  }
  throw new RewardError(
    'bad-option',
    `${JSON.stringify(url)} is no address of a server`,
    'Give the address that gram serve printed, such as http://127.0.0.1:8000.',
  );
}

function* parts(items: readonly ComparisonItem[]): Generator<ComparisonItem[]> {
  let part: ComparisonItem[] = [];
  let characters = 0;
  for (const item of items) {
    const length = item.prompt.length + item.a.length + item.b.length;
    if (part.length === MAX_ITEMS || (part.length > 0 && characters + length > MAX_CHARACTERS)) {
      yield part;
      [part, characters] = [[], 0];
    }
    part.push(item);
    characters += length;
  }
  if (part.length > 0) yield part;
}

async function readJson(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw failed('the answer is too long', 'Check the address of the server.');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

function resultsOf(answer: unknown): unknown[] {
  const results = (answer as { results?: unknown } | null | undefined)?.results;
  if (Array.isArray(results)) return results;
  throw failed('the answer is not that of a gram server', 'Check the address of the server.');
}

function comparisonsOf(results: readonly unknown[], count: number): Comparison[] {
  const valid = results.length === count && results.every(isComparison);
  if (valid) return results as Comparison[];
  throw failed('the answer is not that of a gram server', 'Check the address and version of the server.');
}

function isComparison(value: unknown): value is Comparison {
  const { probability, orders, consistent, truncated, neutralised } = (value ?? {}) as Record<
    string,
    unknown
  >;
  const isProbability = (p: unknown) => typeof p === 'number' && p >= 0 && p <= 1;
  return (
    isProbability(probability) &&
    (orders === undefined || (Array.isArray(orders) && orders.length === 2 && orders.every(isProbability))) &&
    [consistent, truncated, neutralised].every((flag) => typeof flag === 'boolean')
  );
}

function complaintOf(answer: unknown, status: number): { message: string; hint: string } {
  const { message, hint } = ((answer as { error?: unknown } | undefined)?.error ?? {}) as Record<
    string,
    unknown
  >;
  return {
    message: `the server answered ${status}${typeof message === 'string' ? `: ${message.slice(0, 500)}` : ''}`,
    hint: typeof hint === 'string' ? hint.slice(0, 500) : 'Check the address of the server.',
  };
}

function failed(message: string, hint: string, cause?: unknown): RewardError {
  return new RewardError('remote-failed', message, hint, { cause });
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', leave, { once: true });
  });
}
