import type { Turn } from '@gram/base';
import { ServeError } from './error.js';

/** Bounds on what one request, and all of them together, may ask of the server. */
export interface Limits {
  /** Largest body, in bytes. Parsing and checking it holds up other requests for some 40 ms. @default 1048576 */
  readonly bodyBytes: number;
  /** Longest text, in UTF-16 units as `String.length` counts. @default 65536 */
  readonly textLength: number;
  /** Maximum number of comparisons, and of entries of a list, in one request. @default 1024 */
  readonly comparisons: number;
  /** Maximum number of waiting comparisons, at least `comparisons`; further requests are answered 429. @default 2048 */
  readonly queue: number;
  /** Maximum number of connections; a further one takes the place of the idlest. @default 512 */
  readonly connections: number;
  /** Milliseconds within which the headers of a request, and then its body, must arrive. @default 10000 */
  readonly receiveMs: number;
}

/** A conversation that was read from the text that a chat template wrote. */
export interface RenderedConversation {
  /** The turns before the response. */
  readonly prompt: readonly Turn[];
  readonly response: string;
}

/**
 * Reads a conversation from the text that the chat template of the model wrote.
 *
 * @param prompt the part of the text that was asked, where it is known: all that follows is the response
 * @returns undefined for a text that has no mark of the template
 * @throws for one that has, and is not what the template writes
 */
export type ParseRendered = (text: string, prompt?: string) => Promise<RenderedConversation | undefined>;

/** Options of `createRewardServer`. */
export interface ServerOptions {
  /** Name of the model in answers. @default 'gram' */
  readonly name?: string;
  /** Address to listen at. Any but the loopback needs an API key. @default '127.0.0.1' */
  readonly host?: string;
  /** Port to listen at; 0 takes any free port. @default 0 */
  readonly port?: number;
  /** Key that clients must send as `Authorization: Bearer KEY`. @default the environment variable GRAM_API_KEY */
  readonly apiKey?: string;
  /** Maximum number of comparisons in one call of the model; larger batches answer more, smaller ones sooner. @default 32 */
  readonly batchSize?: number;
  /** Milliseconds until a request is answered 504; a client may ask for fewer. @default 60000 */
  readonly deadlineMs?: number;
  /**
   * Response that others are compared with where a format asks for a score of each.
   *
   * @default each is compared with the others to its prompt
   */
  readonly reference?: string;
  /** Reads conversations that clients send as one text. @default such texts are refused */
  readonly parseRendered?: ParseRendered;
  readonly limits?: Partial<Limits>;
  /** Called with what went wrong in the server or the model; clients are only told that there was a fault. @default nothing */
  readonly onError?: (error: unknown) => void;
}

/** The options with their defaults. */
export interface Settings
  extends Required<Omit<ServerOptions, 'apiKey' | 'reference' | 'parseRendered' | 'limits'>> {
  readonly apiKey: string | undefined;
  readonly reference: string | undefined;
  readonly parseRendered: ParseRendered | undefined;
  readonly limits: Limits;
}

const defaults: Limits = {
  bodyBytes: 2 ** 20,
  textLength: 2 ** 16,
  comparisons: 1024,
  queue: 2048,
  connections: 512,
  receiveMs: 10_000,
};

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Fills in defaults and checks the options.
 *
 * @throws {ServeError} `bad-option`, `no-api-key`
 */
export function readOptions({
  name = 'gram',
  host = '127.0.0.1',
  port = 0,
  apiKey = process.env.GRAM_API_KEY,
  batchSize = 32,
  deadlineMs = 60_000,
  reference,
  parseRendered,
  limits,
  onError = () => {},
}: ServerOptions): Settings {
  const settings = { name, host, port, batchSize, deadlineMs, reference, parseRendered, onError };
  const bounds = { ...defaults, ...limits };
  for (const [option, value] of Object.entries({ batchSize, deadlineMs, ...bounds })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new ServeError('bad-option', `${option} is ${value}`, 'give a whole number of at least 1');
  }
  if (!(Number.isSafeInteger(port) && port >= 0 && port < 65_536)) {
    throw new ServeError('bad-option', `${port} is not a port`, 'give a whole number from 0 to 65535');
  }
  if (bounds.queue < bounds.comparisons) {
    throw new ServeError(
      'bad-option',
      `a queue of ${bounds.queue} comparisons never has room for a request of ${bounds.comparisons}`,
      'make limits.queue at least limits.comparisons',
    );
  }
  // An empty variable of the environment is a forgotten value, not a key that everybody has.
  const key = apiKey === '' ? undefined : apiKey;
  if (key === undefined && !isLoopback(host)) {
    throw new ServeError(
      'no-api-key',
      `others can reach ${host}, and there is no API key`,
      'set GRAM_API_KEY to a long random text, or listen at 127.0.0.1',
    );
  }
  return { ...settings, apiKey: key, limits: bounds };
}
