import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Judge } from '@gram/ranking';
import { DEADLINE_HEADER } from '../endpoints/openapi.js';
import { clientLeft, HttpError, shuttingDown } from '../error.js';
import type { Settings } from '../options.js';
import { createBatchQueue } from '../queue.js';
import { type Answer, discardRest, jsonAnswer, REFUSED_MS, send } from './answer.js';
import { createMetrics } from './metrics.js';
import { createRouter } from './router.js';

/** Handler of a request. */
export interface Handler {
  /** Answers a request; never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Refuses new requests, and waits for those that are being answered; after `graceMs` these are refused as well. */
  drain(graceMs: number): Promise<void>;
}

/** Creates the handler of all requests of a server. */
export function createHandler(model: Judge, settings: Settings): Handler {
  const { limits, batchSize } = settings;
  const metrics = createMetrics(() => queue.waiting());
  const queue = createBatchQueue(model, { batchSize, limit: limits.queue, onBatch: metrics.batch });
  const router = createRouter({ settings, kind: model.kind, queue, metrics, isDraining: () => draining });
  const active = new Set<AbortController>();
  let draining = false;
  let onIdle: (() => void) | undefined;

  return {
    async handle(request, response) {
      const start = performance.now();
      const [path = ''] = (request.url ?? '').split('?', 1);
      const controller = new AbortController();
      active.add(controller);
      response.on('close', () => {
        const status = response.writableFinished ? response.statusCode : 499;
        metrics.request(router.has(path) ? path : 'other', status, (performance.now() - start) / 1000);
        active.delete(controller);
        // Work that waits for somebody who left is dropped.
        controller.abort(clientLeft());
        if (active.size === 0) onIdle?.();
      });
      response.on('error', () => response.destroy());
      let result: Answer;
      try {
        const work = () => router.answer(request, path, controller.signal);
        result = await withDeadline(work, deadlineOf(request, settings), controller);
      } catch (error) {
        const refused = refusalOf(error, settings.onError);
        result = { ...jsonAnswer(refused.body(), refused.status), headers: refused.headers };
      }
      send(response, result, draining);
      if (!request.complete) discardRest(request);
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

/** Returns what a client is told of an error; `onError` hears of what is not its fault. */
function refusalOf(error: unknown, onError: (error: unknown) => void): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof Error && 'code' in error && error.code === 'too-long') {
    return new HttpError(422, 'too-long', error.message, 'shorten the texts');
  }
  onError(error);
  return new HttpError(500, 'failed', 'the server failed', 'see its log');
}

function deadlineOf({ headers }: IncomingMessage, { deadlineMs }: Settings): number {
  const given = headers[DEADLINE_HEADER.toLowerCase()];
  if (given === undefined) return deadlineMs;
  if (typeof given === 'string' && /^[1-9]\d{0,8}$/.test(given)) return Math.min(deadlineMs, Number(given));
  throw new HttpError(
    422,
    'invalid-deadline',
    `${DEADLINE_HEADER} is not a number`,
    'give whole milliseconds',
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
