import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Comparator } from '@gram/reward';
import { createKeyCheck } from './api-key.js';
import { createBodyReader } from './body.js';
import { clientLeft, HttpError } from './error.js';
import { createMetrics } from './metrics.js';
import { DEADLINE_HEADER, openapi } from './openapi.js';
import { isLoopback, type Settings } from './options.js';
import { pagePolicy, rankingPage } from './page/page.js';
import { createBatchQueue } from './queue.js';
import { createRoutes } from './routes.js';
import { createShapes } from './schemas.js';
import type { Work } from './scores.js';

/** How long a client may go on sending what was refused already. */
const REFUSED_MS = 1000;

/** What the server does with a request. */
export interface Handler {
  /** Answers a request; never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Refuses new requests, and waits for those that are being answered; after `graceMs` these are refused as well. */
  drain(graceMs: number): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const json = (body: object, status = 200): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});

export function createHandler(model: Comparator, settings: Settings): Handler {
  const { limits, apiKey, name, reference, batchSize } = settings;
  const metrics = createMetrics(() => queue.waiting());
  const queue = createBatchQueue(model, { batchSize, limit: limits.queue, onBatch: metrics.batch });
  const checkKey = createKeyCheck(apiKey);
  const bodies = createBodyReader(limits);
  const routes = new Map(createRoutes(createShapes(limits)).map((route) => [route.path, route]));
  const description = JSON.stringify(openapi([...routes.values()], settings));
  const page = rankingPage(settings);
  const active = new Set<AbortController>();
  let draining = false;
  let onIdle: (() => void) | undefined;

  const gets: Readonly<Record<string, (request: IncomingMessage) => Answer>> = {
    '/': () => ({
      status: 200,
      type: 'text/html; charset=utf-8',
      body: page,
      headers: { 'Content-Security-Policy': pagePolicy, 'Referrer-Policy': 'no-referrer' },
    }),
    '/health': () => json({ status: draining ? 'draining' : 'ready', model: name }, draining ? 503 : 200),
    '/metrics': (request) => {
      checkKey(request);
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.text() };
    },
    '/openapi.json': () => ({ status: 200, type: 'application/json', body: description }),
  };

  async function answer(request: IncomingMessage, path: string, signal: AbortSignal): Promise<Answer> {
    checkHost(request, settings);
    const { method } = request;
    const get = Object.hasOwn(gets, path) ? gets[path] : undefined;
    if (get !== undefined) {
      if (method !== 'GET' && method !== 'HEAD') throw wrongMethod('GET, HEAD');
      return get(request);
    }
    const route = routes.get(path);
    if (route === undefined) {
      throw new HttpError(
        404,
        'unknown-path',
        'there is nothing here',
        'see /openapi.json for what there is',
      );
    }
    if (method !== 'POST') throw wrongMethod('POST');
    checkKey(request);
    if (draining) throw shuttingDown();
    const body = await bodies.read(request);
    const work: Work = { name, reference, limits, compare: (items) => queue.compare(items, signal) };
    return json(await route.answer(body, work));
  }

  /** The answer, or the reason for which the request ended before. */
  async function withDeadline(request: IncomingMessage, path: string, controller: AbortController) {
    const { signal } = controller;
    const milliseconds = deadlineOf(request, settings);
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const timer = setTimeout(() => {
      const message = `there was no result after ${milliseconds} ms`;
      const late = new HttpError(504, 'deadline', message, 'send less at once, or try again later');
      controller.abort(late);
    }, milliseconds);
    try {
      return await Promise.race([answer(request, path, signal), ended]);
    } finally {
      clearTimeout(timer);
    }
  }

  function refusal(error: unknown): HttpError {
    if (error instanceof HttpError) return error;
    if ((error as { code?: unknown } | null)?.code === 'too-long') {
      return new HttpError(422, 'too-long', (error as Error).message, 'shorten the texts');
    }
    settings.onError(error);
    return new HttpError(500, 'failed', 'the server failed', 'see its log');
  }

  return {
    async handle(request, response) {
      const start = performance.now();
      const path = (request.url ?? '').split('?', 1)[0]!;
      const known = routes.has(path) || Object.hasOwn(gets, path);
      const controller = new AbortController();
      active.add(controller);
      response.on('close', () => {
        const status = response.writableFinished ? response.statusCode : 499;
        metrics.request(known ? path : 'other', status, (performance.now() - start) / 1000);
        active.delete(controller);
        // Work that waits for somebody who left is dropped.
        controller.abort(clientLeft());
        if (active.size === 0) onIdle?.();
      });
      response.on('error', () => response.destroy());
      let result: Answer;
      try {
        result = await withDeadline(request, path, controller);
      } catch (error) {
        const refused = refusal(error);
        result = { ...json(refused.body(), refused.status), headers: refused.headers };
      }
      write(response, result, draining);
      if (!request.complete) dropRest(request);
    },
    async drain(graceMs) {
      draining = true;
      const idle = () =>
        new Promise<void>((resolve) => {
          onIdle = resolve;
          if (active.size === 0) resolve();
        });
      await within(idle(), graceMs);
      for (const controller of active) controller.abort(shuttingDown());
      await within(idle(), REFUSED_MS);
    },
  };
}

function write(response: ServerResponse, { status, type, body, headers }: Answer, last: boolean): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(last ? { Connection: 'close' } : {}),
    ...headers,
  });
  response.end(body);
}

/**
 * Reads on without keeping anything: a connection that is closed while the client still sends may lose the answer. After a
 * second it is closed all the same.
 */
function dropRest(request: IncomingMessage): void {
  request.resume();
  const timer = setTimeout(() => request.destroy(), REFUSED_MS).unref();
  request.on('close', () => clearTimeout(timer));
}

/**
 * A page of another site whose name was made to point here (DNS rebinding) sends that name. A server with an API key does not
 * care by which name it is called.
 */
function checkHost({ headers }: IncomingMessage, { apiKey, host }: Settings): void {
  if (apiKey !== undefined || !isLoopback(host)) return;
  const name = /^(\[[^\]]*\]|[^:]*)(:\d{1,5})?$/.exec(headers.host ?? '')?.[1]?.replace(/^\[|\]$/g, '');
  if (name !== undefined && isLoopback(name.toLowerCase())) return;
  throw new HttpError(
    403,
    'wrong-host',
    'this server is asked by another name',
    'use localhost or 127.0.0.1',
  );
}

function deadlineOf({ headers }: IncomingMessage, { deadlineMs }: Settings): number {
  const given = headers[DEADLINE_HEADER.toLowerCase()];
  if (given === undefined) return deadlineMs;
  if (typeof given === 'string' && /^[1-9]\d{0,8}$/.test(given)) return Math.min(deadlineMs, Number(given));
  throw new HttpError(422, 'invalid-deadline', `${DEADLINE_HEADER} is no number`, 'give whole milliseconds');
}

function wrongMethod(allowed: string): HttpError {
  return new HttpError(405, 'wrong-method', `this address takes ${allowed}`, 'see /openapi.json', {
    Allow: allowed,
  });
}

const shuttingDown = () =>
  new HttpError(503, 'draining', 'the server is shutting down', 'try again later', { 'Retry-After': '1' });

async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
