import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StepRecord } from '@gram/train';
import { CliError } from '../error.js';
import { drawCurves } from './curves.js';
import { createEventStream, eventMessage } from './event-stream.js';
import { createHistory, type HistoryRow, metricNames, metricOf } from './history.js';
import { watchPage, watchPolicy } from './page.js';
import { createStatusKeeper } from './run-status.js';
import type { StepCost, WatchedStep } from './step-meter.js';

/** Points of a curve; finer is not seen. */
const MAX_ROWS = 1000;
const DRAW_MS = 1000;
/** Drawing takes at most one part in this many of the time. */
const DRAW_SHARE = 20;
const MAX_CONNECTIONS = 64;

export interface WatchOptions {
  /** Default: 0, any port that is free. */
  readonly port?: number;
  /** Of the page. */
  readonly title: string;
  /** Steps of the whole run. */
  readonly total: number;
  /** The steps of earlier parts of a resumed run. Default: none. */
  readonly history?: readonly (StepRecord & Partial<StepCost>)[];
  /** Hears the address of the page once it can be opened. */
  readonly onUrl: (url: string) => void;
}

/** A page that follows a run. */
export interface Watch {
  /** Shows a step. It takes about a quarter of a millisecond while a page is open, and never waits for a browser. */
  record(step: WatchedStep): void;
  /** Says on the page that the run has ended and how, for example `finished after 3 min`. */
  end(message: string): void;
  /** Ends the server, half a second later at most; pages that are open keep what they show. */
  close(): Promise<void>;
}

/**
 * Serves a page with the curves of a run on this machine only, at 127.0.0.1. It does not keep the process alive.
 *
 * @throws CliError `usage` where the port is taken or not allowed
 */
export async function startWatch(options: WatchOptions): Promise<Watch> {
  const { port = 0, title, total, history: earlier = [], onUrl } = options;
  const run = randomUUID();
  const history = createHistory(MAX_ROWS);
  for (const record of earlier) history.add(record);
  const keeper = createStatusKeeper(total, earlier);
  const stream = createEventStream();
  let charts: string | undefined;
  let drawing: NodeJS.Timeout | undefined;
  let nextDrawing = 0;
  let ended: string | undefined;

  /** The charts as they are now; drawn only where a step came since. */
  function drawn(): string {
    if (charts === undefined) {
      const start = performance.now();
      charts = eventMessage('charts', drawCurves(history));
      const end = performance.now();
      nextDrawing = end + Math.max(DRAW_MS, DRAW_SHARE * (end - start));
    }
    return charts;
  }

  function drawSoon(): void {
    if (drawing !== undefined || stream.readers() === 0) return;
    const draw = () => {
      drawing = undefined;
      if (stream.readers() > 0) stream.sendToIdle(drawn());
    };
    drawing = setTimeout(draw, Math.max(0, nextDrawing - performance.now())).unref();
  }

  function firstMessages(): string {
    const rows = history.rows();
    const past = eventMessage('history', { run, rows: rows.map(packed), ...keeper.status() });
    return past + (rows.length > 0 ? drawn() : '') + (ended ?? '');
  }

  const page = Buffer.from(watchPage(title));
  const server = createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
    const refusal = refuse(request);
    setHeaders(response);
    if (refusal !== undefined) return answer(response, ...refusal);
    if (request.url === '/') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': page.length });
      response.end(request.method === 'HEAD' ? undefined : page);
      return;
    }
    response.setHeader('Content-Type', 'text/event-stream');
    if (request.method === 'HEAD') response.end();
    else if (!stream.accept(response, firstMessages)) answer(response, 503, 'too many pages are open');
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.unref();
  await listen(server, port);
  onUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);

  return {
    record(step) {
      if (ended !== undefined) return;
      history.add(step);
      keeper.add(step);
      charts = undefined;
      if (stream.readers() === 0) return;
      stream.send(eventMessage('record', { row: packedStep(step), ...keeper.status() }));
      drawSoon();
    },
    end(message) {
      if (ended !== undefined) return;
      ended = eventMessage('end', { message });
      clearTimeout(drawing);
      if (stream.readers() > 0) stream.send((history.rows().length > 0 ? drawn() : '') + ended);
    },
    async close() {
      clearTimeout(drawing);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await stream.close();
      server.closeAllConnections();
      await closed;
    },
  };
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

function answer(response: ServerResponse, status: number, reason: string): void {
  if (status === 405) response.setHeader('Allow', 'GET, HEAD');
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(`${reason}\n`);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EADDRINUSE' ? 'is taken' : `can not be used (${cause.code ?? cause.message})`;
      reject(new CliError('usage', `port ${port} ${reason}`, 'choose another port, or 0 for any', { cause }));
    });
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

type PackedRow = [from: number, to: number, metrics: (number[] | null)[]];

/** A row as the page reads it; six digits are more than it shows. */
function packed({ from, to, metrics }: HistoryRow): PackedRow {
  const summaries = metricNames.map((name) => {
    const { mean, low, high } = metrics[name];
    // A sum of huge numbers may not be finite either.
    return Number.isFinite(mean) ? [mean, low, high].map((value) => Number(value.toPrecision(6))) : null;
  });
  return [from, to, summaries];
}

function packedStep(record: WatchedStep): PackedRow {
  const summaries = metricNames.map((name) => {
    const value = metricOf(record, name);
    return Number.isFinite(value) ? [value, value, value] : null;
  });
  return [record.step, record.step, summaries];
}
