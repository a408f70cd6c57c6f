import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Judge } from '@gram/ranking';
import { type ErrorBody, ServeError } from '../error.js';
import { readOptions, type ServerOptions } from '../options.js';
import { listenAt } from './address.js';
import { Connection } from './connection.js';
import { type Connections, createConnections } from './connections.js';
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
  if (model.rewards !== undefined && settings.reference !== undefined) {
    throw new ServeError(
      'bad-option',
      'the model gives each response a reward of its own, which a reference does not change',
      'leave out the reference',
    );
  }
  const connections = createConnections(limits.connections);
  const handler = createHandler(model, settings, connections.count);
  const server = createServer(
    {
      headersTimeout: limits.receiveMs,
      // A body that comes too slowly is answered by the handler; this is for what comes after an answer.
      requestTimeout: 2 * limits.receiveMs + 1000,
      connectionsCheckingInterval: Math.min(CHECK_MS, limits.receiveMs),
    },
    (request, response) => void handler.handle(request, response),
  );
  admitConnections(server, connections);
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

/** Puts a connection of ours between each socket and the HTTP parser. */
function admitConnections(server: Server, connections: Connections): void {
  const parse = server.listeners('connection') as ((connection: Duplex) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const connection = connections.accept(socket);
    if (connection === undefined) return;
    for (const listener of parse) listener.call(server, connection);
  });
  // A client that sends no more may wait for its answer. Node has the property and does not declare it.
  Object.assign(server, { httpAllowHalfOpen: true });
}

/** Answers what is no HTTP request at all, or comes too slowly to become one. */
function refuseConnection({ code }: NodeJS.ErrnoException, connection: Duplex): void {
  if (!(connection instanceof Connection) || code === 'ECONNRESET' || !connection.writable) {
    connection.destroy();
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
  connection.write(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\n\r\n${text}`);
  connection.discardRest();
  connection.destroySoon();
}
