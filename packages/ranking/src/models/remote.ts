import { conversationText, wait } from '@gram/base';
import type { Comparison, ComparisonItem, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import { comparisonsOf, complaintOf, readJson, remoteError, resultsOf } from './remote-answers.js';
import { type RewardModel, rewardModelFromComparator } from './reward-model.js';

/** Options of `createRemoteRewardModel`. */
export interface RemoteOptions {
  /** Address of `gram serve`, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** @default the environment variable GRAM_API_KEY */
  readonly apiKey?: string;
  /** Time for the answer to one request, in milliseconds. @default 60000 */
  readonly timeoutMs?: number;
  /** Largest number of times that a request is repeated where the server is busy, restarting or out of reach. @default 8 */
  readonly retries?: number;
}

/** Items and characters of one request: a batch of the server, and well below its default limits. */
const MAX_ITEMS = 32;
const MAX_CHARACTERS = 2 ** 17;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 10_000;

/**
 * Connects to the reward model behind a server that `gram serve` started. Long lists are sent as several requests, one after
 * the other. Busy (429), restarting (503) and unreachable servers are asked again, after the time that they name or after ever
 * longer waits: asking twice changes nothing. `kind` is `'generative'`, whatever the model is.
 *
 * `compare` throws RewardError `remote-failed` and the reason of the signal.
 *
 * @example
 * const judge = createRemoteRewardModel({ url: 'http://127.0.0.1:8000' });
 * const { order } = await judge.rank('Name a prime.', ['4', '7', 'nine']);
 *
 * @throws RewardError `bad-option`
 */
export function createRemoteRewardModel({
  url,
  apiKey = process.env.GRAM_API_KEY,
  timeoutMs = 60_000,
  retries = 8,
}: RemoteOptions): RewardModel {
  const headers = {
    'Content-Type': 'application/json',
    'Gram-Deadline-Ms': String(timeoutMs),
    ...(apiKey === undefined || apiKey === '' ? {} : { Authorization: `Bearer ${apiKey}` }),
  };
  const endpoint = { address: addressOf(url), headers, timeoutMs };

  async function send(items: readonly ComparisonItem[], signal?: AbortSignal): Promise<Comparison[]> {
    const body = JSON.stringify({ pairs: items.map(({ prompt, tools, a, b }) => ({ prompt, tools, a, b })) });
    for (let tries = 0; ; tries++) {
      signal?.throwIfAborted();
      const answer = await attempt(endpoint, body, signal);
      if (Array.isArray(answer)) return comparisonsOf(answer, items.length);
      if (tries >= retries) throw remoteError(answer.why, 'try again later', answer.cause);
      // Clients that were refused together must not come back together.
      const growing = FIRST_WAIT_MS * 2 ** tries * (1 + Math.random());
      await wait(Math.min(MAX_WAIT_MS, answer.waitMs ?? growing), signal);
    }
  }

  async function compare(
    items: readonly ComparisonItem[],
    { signal, onProgress }: RunOptions = {},
  ): Promise<Comparison[]> {
    const results: Comparison[] = [];
    for (const part of parts(items)) {
      results.push(...(await send(part, signal)));
      onProgress?.(results.length, items.length);
    }
    return results;
  }
  return rewardModelFromComparator({ compare });
}

/** Address of the server, and how requests are sent to it. */
interface Endpoint {
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** A request to be repeated: after how long, and why. */
interface Retry {
  readonly why: string;
  readonly waitMs?: number | undefined;
  readonly cause?: unknown;
}

/** Sends one request and returns its results, or how long to wait before the next try. */
async function attempt(
  { address, headers, timeoutMs }: Endpoint,
  body: string,
  signal?: AbortSignal,
): Promise<unknown[] | Retry> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    // A redirect would carry the key to another place.
    const init = { method: 'POST', headers, body, signal: either, redirect: 'error' } as const;
    const response = await fetch(address, init);
    const answer = await readJson(response);
    if (response.ok) return resultsOf(answer);
    const { message, hint } = complaintOf(answer, response.status);
    if (response.status !== 429 && response.status !== 503) throw remoteError(message, hint);
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    return { why: message, waitMs: seconds >= 0 ? 1000 * seconds : undefined };
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    if (cause instanceof RewardError) throw cause;
    if (timeout.aborted) {
      throw remoteError(`there was no answer after ${timeoutMs} ms`, 'allow more time', cause);
    }
    // A connection that failed or broke off.
    return { why: `${address} cannot be reached`, cause };
  }
}

function addressOf(url: string): string {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base?.protocol === 'http:' || base?.protocol === 'https:') {
    return new URL('v1/compare', `${base.origin}${base.pathname.replace(/\/*$/, '/')}`).href;
  }
  throw new RewardError(
    'bad-option',
    `${JSON.stringify(url)} is no address of a server`,
    'give the address that gram serve printed, such as http://127.0.0.1:8000',
  );
}

function* parts(items: readonly ComparisonItem[]): Generator<ComparisonItem[]> {
  let part: ComparisonItem[] = [];
  let characters = 0;
  for (const item of items) {
    const texts = [item.prompt, item.a, item.b].map(conversationText);
    const length = texts.reduce((sum, text) => sum + text.length, 0);
    if (part.length === MAX_ITEMS || (part.length > 0 && characters + length > MAX_CHARACTERS)) {
      yield part;
      [part, characters] = [[], 0];
    }
    part.push(item);
    characters += length;
  }
  if (part.length > 0) yield part;
}
