import type { IncomingMessage } from 'node:http';
import { clientLeft, HttpError } from '../error.js';
import type { Limits } from '../options.js';

/** Number of the largest bodies that may be in memory at once. */
const BODIES = 64;

/** A reader of requests' bodies as JSON, within limits of time and memory. */
export interface BodyReader {
  /** Reads a body. @throws {HttpError} 400, 408, 413, 415, 429, 499 */
  read(request: IncomingMessage): Promise<unknown>;
}

/** Creates a reader that all requests share. */
export function createBodyReader({
  bodyBytes,
  receiveMs,
}: Pick<Limits, 'bodyBytes' | 'receiveMs'>): BodyReader {
  let held = 0;
  return {
    async read(request) {
      checkType(request);
      if (Number(request.headers['content-length'] ?? 0) > bodyBytes) throw tooLarge(bodyBytes);
      let own = 0;
      try {
        const body = await receive(request, receiveMs, (bytes) => {
          own += bytes;
          held += bytes;
          if (own > bodyBytes) throw tooLarge(bodyBytes);
          if (held > BODIES * bodyBytes) {
            throw new HttpError(429, 'busy', 'too many large requests arrive', 'try again later', {
              'Retry-After': '1',
            });
          }
        });
        return parse(body);
      } finally {
        held -= own;
      }
    },
  };
}

function checkType({ headers }: IncomingMessage): void {
  // Other types, a form's among them, can be sent by a page of any site without asking the server first.
  if (!/^application\/json *(;.*)?$/i.test(headers['content-type'] ?? '')) {
    throw new HttpError(
      415,
      'wrong-content-type',
      'the body is not declared as JSON',
      'send the header Content-Type: application/json',
    );
  }
  // A few bytes could unpack to gigabytes.
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new HttpError(415, 'wrong-encoding', 'the body is compressed', 'send it as it is');
  }
}

function receive(
  request: IncomingMessage,
  receiveMs: number,
  count: (bytes: number) => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      end(new HttpError(408, 'slow-body', `the body took longer than ${receiveMs} ms`, 'send it faster'));
    }, receiveMs);
    const onData = (chunk: Buffer) => {
      try {
        count(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        end(error);
      }
    };
    const onEnd = () => end();
    const onClose = () => end(clientLeft());
    const listeners = { data: onData, end: onEnd, close: onClose, error: onClose };
    for (const [event, listener] of Object.entries(listeners)) request.on(event, listener);

    function end(error?: unknown): void {
      clearTimeout(timer);
      for (const [event, listener] of Object.entries(listeners)) request.off(event, listener);
      // Without a listener the connection's end would be an error that nobody handles.
      request.on('error', () => {});
      if (error === undefined) resolve(Buffer.concat(chunks));
      else reject(error);
    }
  });
}

/** No request nests deeper than a tenth of it. */
const MAX_DEPTH = 64;

function parse(body: Buffer): unknown {
  if (nestsDeeper(body, MAX_DEPTH)) {
    throw new HttpError(
      400,
      'too-deep',
      'the body is nested too deeply',
      'see /openapi.json for what is accepted',
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new HttpError(400, 'not-utf-8', 'the body is not valid UTF-8', 'encode the JSON as UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'not-json', 'the body is not valid JSON', 'send one JSON object');
  }
}

/** Whether brackets nest deeper. A million of them would keep the parser, and with it all requests, for half a second. */
function nestsDeeper(body: Buffer, most: number): boolean {
  const [quote, backslash] = [0x22, 0x5c];
  let depth = 0;
  let quoted = false;
  let escaped = false;
  for (const byte of body) {
    if (escaped) escaped = false;
    else if (byte === quote) quoted = !quoted;
    else if (quoted) escaped = byte === backslash;
    // Both kinds of brackets: [ and {, ] and }.
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > most) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}

function tooLarge(bytes: number): HttpError {
  return new HttpError(
    413,
    'body-too-large',
    `the body is larger than ${bytes} bytes`,
    'send fewer or shorter texts in each request',
  );
}
