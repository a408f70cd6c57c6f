import type { IncomingMessage } from 'node:http';
import type { Judge } from '@gram/ranking';
import { openapi } from '../endpoints/openapi.js';
import { createRoutes } from '../endpoints/routes.js';
import { createShapes } from '../endpoints/schemas.js';
import type { Work } from '../endpoints/scores.js';
import { HttpError, shuttingDown } from '../error.js';
import { isLoopback, type Settings } from '../options.js';
import { rankingPage, rankingPolicy } from '../page/page.js';
import type { BatchQueue } from '../queue.js';
import { type Answer, jsonAnswer } from './answer.js';
import { createKeyCheck } from './api-key.js';
import { createBodyReader } from './body.js';
import type { Metrics } from './metrics.js';

/** Addresses of the server and what they answer. */
export interface Router {
  /** Whether there is anything at a path. */
  has(path: string): boolean;
  /** Answers a request. @throws {HttpError} where it is refused */
  answer(incoming: Incoming): Promise<Answer>;
}

/** A request of which the headers have come. */
export interface Incoming {
  readonly request: IncomingMessage;
  readonly path: string;
  /** Called when the body was received. */
  readonly onReceived: () => void;
  /** Ends the work for it. */
  readonly signal: AbortSignal;
  /** Time of its deadline, as `performance.now()` counts. */
  readonly endsAt: number;
}

/** Dependencies of the answers. */
export interface RouterOptions {
  readonly settings: Settings;
  /** Kind of the model; it decides how long lists are ranked. */
  readonly kind: Judge['kind'];
  readonly queue: BatchQueue;
  readonly metrics: Metrics;
  /** Whether the server is shutting down. */
  readonly isDraining: () => boolean;
}

type Get = (request: IncomingMessage) => Answer;

/** Creates the table of all addresses. */
export function createRouter(options: RouterOptions): Router {
  const { settings, kind, queue, isDraining } = options;
  const { limits, apiKey, name, reference, parseRendered } = settings;
  const checkKey = createKeyCheck(apiKey);
  const bodies = createBodyReader(limits);
  const routes = new Map(createRoutes(createShapes(limits)).map((route) => [route.path, route]));
  const description = JSON.stringify(openapi([...routes.values()], settings));
  const gets = createGets(options, description, checkKey);
  return {
    has: (path) => routes.has(path) || gets.has(path),
    async answer({ request, path, onReceived, signal, endsAt }) {
      checkHost(request, settings);
      const { method } = request;
      const get = gets.get(path);
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
      if (isDraining()) throw shuttingDown();
      const { body, release } = await bodies.read(request);
      onReceived();
      const compare: Judge['compare'] = (items) => queue.compare(items, signal);
      const ask = queue.rewards;
      const rewards: Judge['rewards'] = ask && ((items) => ask(items, signal));
      const work: Work = { name, kind, reference, limits, parseRendered, endsAt, compare, rewards };
      try {
        return jsonAnswer(await route.answer(body, work));
      } finally {
        release();
      }
    },
  };
}

/** Addresses that take no body. */
function createGets(
  { settings, metrics, isDraining }: RouterOptions,
  description: string,
  checkKey: (request: IncomingMessage) => void,
): ReadonlyMap<string, Get> {
  const created = Math.floor(Date.now() / 1000);
  const page: Answer = {
    status: 200,
    type: 'text/html; charset=utf-8',
    body: rankingPage(settings),
    headers: { 'Content-Security-Policy': rankingPolicy, 'Referrer-Policy': 'no-referrer' },
  };
  const model = { id: settings.name, object: 'model', created, owned_by: 'gram' };
  const guarded =
    (body: () => object): Get =>
    (request) => {
      checkKey(request);
      return jsonAnswer(body());
    };
  return new Map<string, Get>([
    ['/', () => page],
    [
      '/health',
      () => {
        const draining = isDraining();
        return jsonAnswer(
          { status: draining ? 'draining' : 'ready', model: settings.name },
          draining ? 503 : 200,
        );
      },
    ],
    [
      '/metrics',
      (request) => {
        checkKey(request);
        return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.text() };
      },
    ],
    ['/v1/models', guarded(() => ({ object: 'list', data: [model] }))],
    [`/v1/models/${encodeURIComponent(settings.name)}`, guarded(() => model)],
    ['/openapi.json', () => ({ status: 200, type: 'application/json', body: description })],
  ]);
}

/**
 * Refuses a request that calls the server by a name that is not its own: a page of another site whose name was made to point
 * here (DNS rebinding) sends that name. A server with an API key does not care by which name it is called.
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

function wrongMethod(allowed: string): HttpError {
  return new HttpError(405, 'wrong-method', `this address takes ${allowed}`, 'see /openapi.json', {
    Allow: allowed,
  });
}
