import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Judge } from '@gram/ranking';
import type { ErrorBody } from '../error.js';
import { readOptions, type ServerOptions } from '../options.js';
import { listenAt } from './address.js';
import { createHandler } from './handler.js';

/** Interval at which connections are checked for headers that come too slowly. */
const CHECK_MS = 500;

/** A server of a reward model. */
export interface RewardServer {
  /**
   * Starts to listen.
   *
   * @returns the address of the server, such as `http://127.0.0.1:8000`
   * @throws {ServeError} `port-unusable`
   */
  listen(): Promise<string>;
  /**
   * Accepts no more connections, finishes what was accepted, and closes. What is not finished after `graceMs` is answered 503. The
   * model is not disposed of.
   *
   * @param graceMs milliseconds, 10000 by default
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Creates an HTTP server that compares and ranks responses with a model, or with anything else that has `compare`. Requests that
 * arrive while the model works are gathered into its next call; the README lists the addresses and their formats.
 *
 * @throws {ServeError} `bad-option`, `no-api-key`
 * @example
 * const server = createRewardServer(model, { port: 8000 });
 * console.log(await server.listen());
 */
export function createRewardServer(model: Judge, options: ServerOptions = {}): RewardServer {
  const settings = readOptions(options);
  const { limits } = settings;
  const handler = createHandler(model, settings);
  const server = createServer(
    {
      headersTimeout: limits.receiveMs,
      // A body that comes too slowly is answered by the handler; this is for what comes after an answer.
      requestTimeout: 2 * limits.receiveMs + 1000,
      connectionsCheckingInterval: Math.min(CHECK_MS, limits.receiveMs),
    },
    (request, response) => void handler.handle(request, response),
  );
  server.maxConnections = limits.connections;
  server.on('clientError', refuseConnection);
  let closing: Promise<void> | undefined;

  async function close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await handler.drain(graceMs);
    server.closeAllConnections();
    await closed;
  }

  return {
    listen: () => listenAt(server, settings),
    close(graceMs = 10_000) {
      closing ??= close(graceMs);
      return closing;
    },
  };
}

/** Answers what is no HTTP request at all, or comes too slowly to become one. */
function refuseConnection({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, reason, error] =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'slow-headers', 'the request arrived too slowly']
      : code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'large-headers', 'the headers are too large']
        : ['400 Bad Request', 'not-http', 'this is no valid HTTP request'];
  const body: ErrorBody = { error: { code: reason, message: error, hint: 'check the client' } };
  const text = JSON.stringify(body);
  const head = ['Content-Type: application/json', `Content-Length: ${text.length}`, 'Connection: close'];
  // destroySoon sends what was written before it ends; end alone would wait for the other side.
  socket.write(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\n\r\n${text}`);
  socket.destroySoon();
}
