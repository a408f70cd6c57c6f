import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { printableLines } from '@gram/base';
import { type Section, sectionMarkup } from '@gram/report';
import type { RunMetrics } from '../metrics.js';
import type { StepRecord } from '../record.js';
import type { WatchedStep } from '../step-meter.js';
import { drawCurves } from './curves.js';
import { createEventStream, type EventStream, eventMessage } from './event-stream.js';
import { createHistory, drawnMetrics, type HistoryRow, type Metric } from './history.js';
import { watchPage } from './page.js';
import { createStatusKeeper } from './run-status.js';
import { openWatchServer, respond, type WatchServer } from './server.js';

/** Points of a curve; finer is not seen. */
const MAX_ROWS = 1000;
const DRAW_MS = 1000;
/** Drawing takes at most one part in this many of the time. */
const DRAW_SHARE = 20;

/** Options of `startWatch`. */
export interface WatchOptions {
  /** A server that was opened before. @default a new one at `port` */
  readonly server?: WatchServer;
  /** Port of a new server. @default 0, any free port */
  readonly port?: number;
  /** Title of the page. */
  readonly title: string;
  /** Steps of the whole run. */
  readonly total: number;
  /** Curves and evaluations of the records of the run. */
  readonly metrics: RunMetrics;
  /** Steps of earlier parts of a resumed run. @default none */
  readonly history?: readonly StepRecord[];
  /** Gives what the page shows below the curves, as it is at the moment. @default nothing */
  readonly sections?: (() => readonly Section[]) | undefined;
  /** Called with the address of the page once it can be opened. */
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
 * Serves a page with the curves of a run, on this machine only. It does not keep the process alive.
 *
 * @throws {RunError} `bad-port` when the port is taken or not allowed
 */
export async function startWatch(options: WatchOptions): Promise<Watch> {
  const { port = 0, title, total, metrics, history: earlier = [], sections = () => [], onUrl } = options;
  const server = options.server ?? (await openWatchServer(port));
  const run = randomUUID();
  const history = createHistory(MAX_ROWS, drawnMetrics(metrics));
  for (const record of earlier) history.add(record);
  const keeper = createStatusKeeper({ total, metrics, done: earlier });
  const stream = createEventStream();
  const drawing = createDrawingFeed(
    () => ({ charts: drawCurves(history, metrics), sections: sections().map(markupOf) }),
    stream,
  );
  const labels = history.metrics.map(({ label }) => label);
  let ended: string | undefined;
  const firstMessages = () => {
    const rows = history.rows();
    const past = eventMessage('history', {
      run,
      labels,
      rows: rows.map(packed),
      ...keeper.status(),
    });
    return past + (rows.length > 0 ? drawing.message() : '') + (ended ?? '');
  };
  server.serve(pageListener(title, stream, firstMessages));
  onUrl(server.url);
  return {
    record(step) {
      if (ended !== undefined) return;
      history.add(step);
      keeper.add(step);
      drawing.outdate();
      if (stream.readers() === 0) return;
      stream.send(eventMessage('record', { row: packedStep(step, history.metrics), ...keeper.status() }));
      drawing.sendSoon();
    },
    end(message) {
      if (ended !== undefined) return;
      ended = eventMessage('end', { message: printableLines(message) });
      drawing.stop();
      if (stream.readers() > 0) stream.send((history.rows().length > 0 ? drawing.message() : '') + ended);
    },
    async close() {
      drawing.stop();
      await stream.close();
      await server.close();
    },
  };
}

/** Answers the two paths that the server lets through: the page and its events. */
function pageListener(title: string, stream: EventStream, first: () => string): RequestListener {
  const page = Buffer.from(watchPage(title));
  return (request, response) => {
    const bodiless = request.method === 'HEAD';
    if (request.url === '/') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': page.length });
      response.end(bodiless ? undefined : page);
      return;
    }
    response.setHeader('Content-Type', 'text/event-stream');
    if (bodiless) response.end();
    else if (!stream.accept(response, first)) respond(response, 503, 'too many pages are open');
  };
}

/** The slow parts of the page: the charts as SVG, and the sections below them as HTML. */
interface Drawing {
  readonly charts: readonly string[];
  readonly sections: readonly string[];
}

function markupOf(section: Section, index: number): string {
  return sectionMarkup(section, `section-${index + 1}`);
}

/** Draws charts and sections, at most one part in twenty of the time. */
function createDrawingFeed(draw: () => Drawing, stream: EventStream) {
  let drawn: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let nextDrawing = 0;
  /** The drawing as it is now; made only where a step came since. */
  const message = () => {
    if (drawn !== undefined) return drawn;
    const start = performance.now();
    drawn = eventMessage('drawing', draw());
    const end = performance.now();
    nextDrawing = end + Math.max(DRAW_MS, DRAW_SHARE * (end - start));
    return drawn;
  };
  return {
    message,
    outdate() {
      drawn = undefined;
    },
    sendSoon() {
      if (timer !== undefined || stream.readers() === 0) return;
      const send = () => {
        timer = undefined;
        if (stream.readers() > 0) stream.sendToIdle(message());
      };
      timer = setTimeout(send, Math.max(0, nextDrawing - performance.now())).unref();
    },
    stop: () => clearTimeout(timer),
  };
}

type PackedRow = [from: number, to: number, summaries: (number[] | null)[]];

/** A row as the page reads it; six digits are more than it shows. */
function packed({ from, to, summaries }: HistoryRow): PackedRow {
  const numbers = summaries.map(({ mean, low, high }) => {
    // A sum of huge numbers may not be finite either.
    return Number.isFinite(mean) ? [mean, low, high].map((value) => Number(value.toPrecision(6))) : null;
  });
  return [from, to, numbers];
}

function packedStep(record: WatchedStep, metrics: readonly Metric[]): PackedRow {
  const summaries = metrics.map((metric) => {
    const value = metric.of(record);
    return Number.isFinite(value) ? [value, value, value] : null;
  });
  return [record.step, record.step, summaries];
}
