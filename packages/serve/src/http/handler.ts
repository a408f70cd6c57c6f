import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Judge } from '@gram/ranking';
import { DEADLINE_HEADER, FIXED_LIMITS, MAX_DEADLINE_MS } from '../endpoints/openapi.js';
import { clientLeft, HttpError, shuttingDown } from '../error.js';
import type { Settings } from '../options.js';
import { createBatchQueue } from '../queue.js';
import { type Answer, jsonAnswer, send } from './answer.js';
import { Connection, REFUSED_MS } from './connection.js';
import { createMetrics } from './metrics.js';
import { createRouter } from './router.js';

/** Handler of a request. */
export interface Handler {
  /** Answers a request; never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Refuses new requests, and waits for those that are being answered; after `graceMs` these are refused as well. */
  drain(graceMs: number): Promise<void>;
}

/**
 * Creates the handler of all requests of a server.
 *
 * @param connections returns the number of open connections
 */
export function createHandler(model: Judge, settings: Settings, connections: () => number): Handler {
  const { limits, batchSize } = settings;
  const metrics = createMetrics({ waiting: () => queue.waiting(), connections });
  const queue = createBatchQueue(model, { batchSize, limit: limits.queue, onBatch: metrics.batch });
  const router = createRouter({ settings, kind: model.kind, queue, metrics, isDraining: () => draining });
  const active = new Set<AbortController>();
  let draining = false;
  let onIdle: (() => void) | undefined;

  return {
    async handle(request, response) {
      const start = performance.now();
      const [path = ''] = (request.url ?? '').split('?', 1);
      const connection = connectionOf(request);
      const { onReceived, onEnd } = connection.beginRequest();
      const isTooMany = connection.requests > FIXED_LIMITS.inAdvance;
      const controller = new AbortController();
      active.add(controller);
      response.on('close', () => {
        const status = response.writableFinished ? response.statusCode : 499;
        metrics.request(router.has(path) ? path : 'other', status, (performance.now() - start) / 1000);
        onEnd();
        active.delete(controller);
        // Work that waits for somebody who left is dropped.
        controller.abort(clientLeft());
        if (active.size === 0) onIdle?.();
      });
      response.on('error', () => response.destroy());
      let result: Answer;
      try {
        if (isTooMany) throw tooManyInAdvance();
        const deadlineMs = deadlineOf(request, settings);
        const { signal } = controller;
        const work = () => router.answer({ request, path, onReceived, signal, endsAt: start + deadlineMs });
        result = await withDeadline(work, deadlineMs, controller);
      } catch (error) {
        const refused = refusalOf(error, settings.onError);
        result = { ...jsonAnswer(refused.body(), refused.status), headers: refused.headers };
      }
      // A request that was not read to its end cannot be followed by another one.
      const isCut = !request.complete || isTooMany;
      send(response, result, draining || isCut || connection.hasEnded);
      if (isCut) connection.discardRest();
      destroyUnread(response, limits.receiveMs);
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

function connectionOf({ socket }: IncomingMessage): Connection {
  if (socket instanceof Connection) return socket;
  throw new TypeError('a request came by another connection than those of the server');
}

/** Closes the connection of a client that does not read its answer. */
function destroyUnread(response: ServerResponse, receiveMs: number): void {
  if (response.closed) return;
  const timer = setTimeout(() => response.destroy(), receiveMs).unref();
  response.on('close', () => clearTimeout(timer));
}

/**
 * The answer, or the reason for which the request ended before.
 *
 * @throws {HttpError} 504 where the time is over
 */
async function withDeadline(
  work: () => Promise<Answer>,
  milliseconds: number,
  controller: AbortController,
): Promise<Answer> {
  const { signal } = controller;
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const timer = setTimeout(() => {
    const message = `there was no result after ${milliseconds} ms`;
    controller.abort(new HttpError(504, 'deadline', message, 'send less at once, or try again later'));
  }, milliseconds);
  try {
    return await Promise.race([work(), ended]);
  } finally {
    clearTimeout(timer);
  }
}

/** Codes of errors of a model that are about the turns of a request. */
const OF_CONVERSATIONS: ReadonlySet<string> = new Set([
  'bad-message',
  'bad-text',
  'template-refused',
  'template-unsupported',
]);

/** Returns what a client is told of an error; `onError` hears of what is not its fault. */
function refusalOf(error: unknown, onError: (error: unknown) => void): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    if (error.code === 'too-long') return new HttpError(422, 'too-long', error.message, 'shorten the texts');
    if (OF_CONVERSATIONS.has(error.code)) {
      const hint = 'send turns that the chat template of the model takes';
      return new HttpError(422, 'wrong-conversation', error.message.slice(0, 300), hint);
    }
  }
  onError(error);
  return new HttpError(500, 'failed', 'the server failed', 'see its log');
}

function deadlineOf({ headers }: IncomingMessage, { deadlineMs }: Settings): number {
  const given = headers[DEADLINE_HEADER.toLowerCase()];
  if (given === undefined) return deadlineMs;
  const value = typeof given === 'string' && /^[1-9]\d*$/.test(given) ? Number(given) : Number.NaN;
  if (value <= MAX_DEADLINE_MS) return Math.min(deadlineMs, value);
  throw new HttpError(
    422,
    'invalid-deadline',
    `${DEADLINE_HEADER} is not a number from 1 to ${MAX_DEADLINE_MS}`,
    'give whole milliseconds',
  );
}

function tooManyInAdvance(): HttpError {
  return new HttpError(
    429,
    'too-many-in-advance',
    `more than ${FIXED_LIMITS.inAdvance} requests of one connection wait for their answers`,
    'wait for the answers before you send more',
    { 'Retry-After': '1' },
  );
}

async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
