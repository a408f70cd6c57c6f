import { setTimeout } from 'node:timers/promises';
import { HubUnavailable } from './unavailable.js';

/** Callback of a call that waits, and the signal that ends it. */
export interface Patience {
  /** Gets a sentence for the user: what is waited for, and how long. */
  readonly onNote: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Silence that is worth a word. */
const NOTED_SILENCE_MS = 5000;
/** Silence after which a connection is given up, where `HF_HUB_DOWNLOAD_TIMEOUT` names no other. */
const SILENCE_MS = 30_000;
/** Longest time of all waits for a busy hub together. */
const MAX_WAITS_MS = 120_000;
/** Waits for a hub that is busy and does not say how long. */
const WAITS_MS = [500, 2000];

/** The silence in milliseconds after which a connection is given up. */
export function silenceLimit(): number {
  const seconds = Number(process.env.HF_HUB_DOWNLOAD_TIMEOUT?.trim() || Number.NaN);
  return seconds > 0 ? Math.min(1000 * seconds, 2 ** 31 - 1) : SILENCE_MS;
}

/** Watches one connection for silence. */
export interface SilenceWatch {
  /** Aborted with `HubUnavailable` when the limit of silence is reached, or with the reason of the call's signal. */
  readonly signal: AbortSignal;
  /** Something has arrived. */
  touch(): void;
  /** The connection is done. */
  end(): void;
}

/** Starts to watch a connection: a word after five seconds of silence, its end at the limit. */
export function watchSilence({ onNote, signal }: Patience, limit = silenceLimit()): SilenceWatch {
  const controller = new AbortController();
  const seconds = limit / 1000;
  let timers: NodeJS.Timeout[] = [];
  const stop = () => {
    for (const timer of timers) clearTimeout(timer);
  };
  const touch = () => {
    stop();
    const note = () => onNote(`the hub is silent; the connection is given up after ${seconds} s of it`);
    const end = () => controller.abort(new HubUnavailable(`it sent nothing for ${seconds} s`));
    timers = [
      ...(limit > NOTED_SILENCE_MS ? [globalThis.setTimeout(note, NOTED_SILENCE_MS)] : []),
      globalThis.setTimeout(end, limit),
    ];
  };
  touch();
  const both = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
  return { signal: both, touch, end: stop };
}

/** Makes a response whose body touches the watch with each piece, and ends the watch with the last. */
export function watchedBody(response: Response, watch: SilenceWatch): Response {
  if (response.body === null) {
    watch.end();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        watch.touch();
        if (!done) return controller.enqueue(value);
        watch.end();
        controller.close();
      } catch (error) {
        watch.end();
        controller.error(error);
      }
    },
    cancel(reason) {
      watch.end();
      return reader.cancel(reason);
    },
  });
  return new Response(body, {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
  });
}

/** Whether a status means that the same request may succeed later. */
export function isBusy(status: number): boolean {
  return status === 429 || status === 503;
}

/** The status as a person says it: `503 Service Unavailable`. */
export function statusOf({ status, statusText }: Response): string {
  return `${status} ${statusText}`.trim();
}

/** Milliseconds that a response asks to wait, as a number of seconds or as a date (RFC 9110, section 10.2.3). */
export function retryAfter({ headers }: Response, now = Date.now()): number | undefined {
  const text = headers.get('Retry-After')?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return 1000 * Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * Repeats a request while the hub is busy, after as long as it asks for, and says so.
 *
 * @throws {HubUnavailable} when it asks for more than two minutes in all
 */
export async function patiently(
  request: () => Promise<Response>,
  { onNote, signal }: Patience,
): Promise<Response> {
  let waited = 0;
  for (let attempt = 0; ; attempt++) {
    const response = await request();
    if (!isBusy(response.status)) return response;
    const asked = retryAfter(response);
    const wait = asked ?? WAITS_MS[attempt];
    if (wait === undefined) return response;
    await response.body?.cancel().catch(() => undefined);
    waited += wait;
    if (waited > MAX_WAITS_MS) {
      throw new HubUnavailable(
        `it answered ${statusOf(response)} and asks to wait ${Math.ceil(wait / 1000)} s`,
        { isBusy: true },
      );
    }
    // A wait that one cannot notice is not worth a word.
    if (wait >= 1000)
      onNote(`the hub answered ${statusOf(response)}; going on in ${Math.ceil(wait / 1000)} s`);
    await setTimeout(wait, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}
