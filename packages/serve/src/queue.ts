import type { Comparison, ComparisonItem, Judge, ResponseItem, ScoredResponse } from '@gram/ranking';
import { HttpError } from './error.js';
import { createLane, type Lane, type Scheduler } from './lane.js';

/** A queue that gathers the work of several requests into calls of the model. */
export interface BatchQueue {
  /** Returns the number of items that have not started. */
  waiting(): number;
  /**
   * Compares items, in the order given.
   *
   * @throws {HttpError} 429 where too many wait; the reason of `signal`; what the model throws
   */
  compare(items: readonly ComparisonItem[], signal: AbortSignal): Promise<Comparison[]>;
  /** Returns rewards of responses, as `compare` compares; undefined for a model without rewards of its own. */
  readonly rewards:
    | ((items: readonly ResponseItem[], signal: AbortSignal) => Promise<ScoredResponse[]>)
    | undefined;
}

/** Bounds of a queue. */
export interface QueueOptions {
  /** Maximum number of items in one call. */
  readonly batchSize: number;
  /** Maximum number of waiting items. */
  readonly limit: number;
  /** Called after each call of the model that succeeded. */
  readonly onBatch?: (items: number) => void;
}

/**
 * Creates a queue. One call of the model runs at a time. What arrives meanwhile shares the next one: first each request gets an
 * equal share of it, then the oldest ones fill it up, so that a large request does not hold up small ones. Comparisons and
 * rewards take turns. Nothing waits for company while the model is idle.
 */
export function createBatchQueue(model: Judge, { batchSize, limit, onBatch }: QueueOptions): BatchQueue {
  const lanes: Pick<Lane<never, unknown>, 'waiting'>[] = [];
  let last: Promise<unknown> = Promise.resolve();
  /** Items a second, a mean that forgets. */
  let rate: number | undefined;
  const waiting = () => lanes.reduce((sum, lane) => sum + lane.waiting(), 0);

  const scheduler: Scheduler = {
    batchSize,
    inTurn(work) {
      const turn = last.then(work);
      // A failure is for those who wait for this turn, not for the next one.
      last = turn.catch(() => {});
      return turn;
    },
    checkRoom(items) {
      if (waiting() + items > limit) throw busy(waiting() / (rate ?? limit));
    },
    onCall(items, milliseconds) {
      const now = items / Math.max(1e-3, milliseconds / 1000);
      rate = rate === undefined ? now : 0.8 * rate + 0.2 * now;
      onBatch?.(items);
    },
  };
  const comparisons = createLane<ComparisonItem, Comparison>(
    (items, signal) => model.compare(items, { signal }),
    scheduler,
  );
  lanes.push(comparisons);
  const ask = model.rewards?.bind(model);
  if (ask === undefined) return { waiting, compare: comparisons.ask, rewards: undefined };
  const rewards = createLane<ResponseItem, ScoredResponse>(
    (items, signal) => ask(items, { signal }),
    scheduler,
  );
  lanes.push(rewards);
  return { waiting, compare: comparisons.ask, rewards: rewards.ask };
}

function busy(seconds: number): HttpError {
  return new HttpError(429, 'busy', 'too many comparisons wait', 'try again later', {
    'Retry-After': String(Math.min(60, Math.max(1, Math.ceil(seconds)))),
  });
}
