import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { RunError } from '../error.js';
import { watchPolicy } from './page.js';

const MAX_CONNECTIONS = 64;

/** A server of this machine that is listening and waits for the run whose page it will serve. */
export interface WatchServer {
  /** Address of the page. */
  readonly url: string;
  /** Answers requests from now on; before, each gets the status 503. */
  serve(answer: RequestListener): void;
  /** Ends the server. */
  close(): Promise<void>;
}

/**
 * Opens a server on 127.0.0.1, so that a port that is taken is noticed before anything is loaded. It does not keep the
 * process alive.
 *
 * @param port @default 0, any free port
 * @throws {RunError} `bad-port` when the port is taken or not allowed
 */
export async function openWatchServer(port = 0): Promise<WatchServer> {
  let answer: RequestListener = (_request, response) => respond(response, 503, 'the run is being prepared');
  const server = createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
    const refusal = refuse(request);
    setHeaders(response);
    if (refusal === undefined) answer(request, response);
    else respond(response, ...refusal);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.unref();
  const taken = await new Promise<number>((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(portError(port, cause));
    server.once('error', fail);
    try {
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    } catch (cause) {
      // A number that is no port is refused at once.
      fail(cause instanceof Error ? cause : new Error(String(cause)));
    }
  });
  return {
    url: `http://127.0.0.1:${taken}/`,
    serve(handler) {
      answer = handler;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function portError(port: number, cause: NodeJS.ErrnoException): RunError {
  const reason = cause.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${cause.code ?? cause.message})`;
  return new RunError('bad-port', `port ${port} ${reason}`, 'choose another port, or 0 for any', { cause });
}

/** Answers with a line of text. */
export function respond(response: ServerResponse, status: number, reason: string): void {
  if (status === 405) response.setHeader('Allow', 'GET, HEAD');
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(`${reason}\n`);
}

/** Status and reason of a request that is not answered. */
function refuse({ method, url, headers }: IncomingMessage): [number, string] | undefined {
  // A page of another site whose name was made to point here (DNS rebinding) sends that name. The port may differ: the
  // page may be seen through a tunnel.
  if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(headers.host ?? '')) {
    return [403, 'open this page as localhost or 127.0.0.1'];
  }
  if (method !== 'GET' && method !== 'HEAD') return [405, 'only GET and HEAD are answered'];
  if (url !== '/' && url !== '/events') return [404, 'there is nothing here'];
  // Other sites could not read the events, but could take the places of those who may.
  const site = headers['sec-fetch-site'];
  const own = site === undefined || site === 'same-origin' || site === 'none';
  return url === '/events' && !own ? [403, 'only the page itself may read this'] : undefined;
}

function setHeaders(response: ServerResponse): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Security-Policy', watchPolicy);
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('X-Content-Type-Options', 'nosniff');
}
