import type { IncomingMessage } from 'node:http';
import { FIXED_LIMITS } from '../endpoints/openapi.js';
import { clientLeft, HttpError } from '../error.js';
import type { Limits } from '../options.js';

/** Bytes with which the memory for a body begins; it doubles as the body grows, whatever length was announced. */
const FIRST_BYTES = 4096;

/** A reader of requests' bodies as JSON, within limits of time and memory. */
export interface BodyReader {
  /**
   * Reads a body. Its memory counts until `release` is called.
   *
   * @throws {HttpError} 400, 408, 413, 415, 429, 499
   */
  read(request: IncomingMessage): Promise<{ readonly body: unknown; readonly release: () => void }>;
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
      const release = () => {
        held -= own;
        own = 0;
      };
      const body = createGrowingBuffer(bodyBytes, (bytes) => {
        own += bytes;
        held += bytes;
        if (held > FIXED_LIMITS.bodies * bodyBytes) {
          throw new HttpError(429, 'busy', 'too many large requests arrive', 'try again later', {
            'Retry-After': '1',
          });
        }
      });
      try {
        await receive(request, receiveMs, body.append);
        return { body: parse(body.contents()), release };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

/**
 * Creates a buffer that pieces are copied into, so that they cost what their bytes cost and not 64 KB of a socket's memory each.
 *
 * @param onGrow receives the number of bytes that are about to be taken, and may throw
 */
function createGrowingBuffer(limit: number, onGrow: (bytes: number) => void) {
  let memory = Buffer.alloc(0);
  let length = 0;
  let pieces = 0;
  return {
    append(piece: Buffer): void {
      pieces += 1;
      const needed = length + piece.length;
      if (needed > limit) throw tooLarge(limit);
      // A piece costs some 3 microseconds, however small: a body in single bytes would take a hundred times as long.
      if (pieces > FIXED_LIMITS.pieces + needed / FIXED_LIMITS.pieceBytes) throw tooManyPieces();
      if (needed > memory.length) {
        const size = Math.min(limit, Math.max(FIRST_BYTES, 2 * memory.length, needed));
        onGrow(size - memory.length);
        const larger = Buffer.allocUnsafeSlow(size);
        memory.copy(larger, 0, 0, length);
        memory = larger;
      }
      piece.copy(memory, length);
      length = needed;
    },
    contents: () => memory.subarray(0, length),
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

/** Passes the pieces of a body on until it is whole, or `append` throws. */
function receive(
  request: IncomingMessage,
  receiveMs: number,
  append: (piece: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      end(new HttpError(408, 'slow-body', `the body took longer than ${receiveMs} ms`, 'send it faster'));
    }, receiveMs);
    const onData = (piece: Buffer) => {
      try {
        append(piece);
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
      if (error === undefined) resolve();
      else reject(error);
    }
  });
}

function parse(body: Buffer): unknown {
  if (nestsDeeper(body, FIXED_LIMITS.depth)) {
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

function tooManyPieces(): HttpError {
  return new HttpError(
    413,
    'too-many-pieces',
    `the body comes in more than ${FIXED_LIMITS.pieces} pieces, of fewer than ${FIXED_LIMITS.pieceBytes} bytes on average`,
    'send it with a Content-Length, or in larger chunks',
  );
}

function tooLarge(bytes: number): HttpError {
  return new HttpError(
    413,
    'body-too-large',
    `the body is larger than ${bytes} bytes`,
    'send fewer or shorter texts in each request',
  );
}
