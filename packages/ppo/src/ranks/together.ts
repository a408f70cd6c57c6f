import { zip } from '@gram/base';
import { isStopped } from '@gram/run';
import { type Communicator, gatherValues, type Place } from '@gram/train';
import { PpoError, type PpoErrorCode } from '../error.js';

/** The ranks of a run, of which each makes the same calls in the same order. */
export interface Team {
  readonly communicator: Communicator;
  /** Stops all of them. */
  readonly signal?: AbortSignal | undefined;
}

/** The result or the failure of the work of a rank. */
type Outcome<T> =
  | { readonly value: T }
  | { readonly stopped: true }
  | { readonly code: PpoErrorCode | undefined; readonly message: string; readonly hint: string };

/** Errors that all ranks have ended with. */
const shared = new WeakSet<object>();

/** Whether all ranks have ended with an error, so that none of them waits for another. */
export function failedTogether(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && shared.has(cause);
}

/**
 * Does work on every rank, and gives all of them what it came to on each, in the order of the ranks. Where it fails on one, it fails on
 * all: on that one with its own error, on the others with one that names it. A rank that was told to stop stops all.
 */
export async function together<T>({ communicator, signal }: Team, work: () => Promise<T> | T): Promise<T[]> {
  if (communicator.size === 1) return [await work()];
  let cause: unknown;
  let own: Outcome<T>;
  try {
    // Others may have to wait for a slow reward.
    own = { value: await communicator.patiently(work) };
  } catch (error) {
    cause = error;
    own = outcomeOf(error, signal);
  }
  const outcomes = await gatherValues(communicator, own);
  const failure = outcomes.findIndex((outcome) => !('value' in outcome));
  if (failure < 0) return outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : []));
  const error = 'value' in own ? errorOfRank(failure, outcomes[failure]) : cause;
  if (typeof error === 'object' && error !== null) shared.add(error);
  throw error;
}

function outcomeOf(error: unknown, signal: AbortSignal | undefined): Outcome<never> {
  if (isStopped(error, signal)) return { stopped: true };
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof PpoError
    ? { code: error.code, message, hint: error.hint }
    : { code: undefined, message, hint: 'see what that process says' };
}

function errorOfRank(rank: number, outcome: Outcome<unknown> | undefined): Error {
  if (outcome === undefined || 'value' in outcome || 'stopped' in outcome) {
    return new DOMException('another rank was told to stop', 'AbortError');
  }
  const { code = 'rank-failed', message, hint } = outcome;
  return new PpoError(code, `rank ${rank}: ${message}`, hint);
}

/**
 * Deals items out to the ranks, each of which works on its share, and gives all ranks the results of all items in their order: the same
 * as from one rank, if the result of an item does not depend on the others.
 *
 * @param work gives one result for each item, and is not called without items
 */
export async function dealOut<Item, Result>(
  team: Team,
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  const own = shareOf(items, team.communicator);
  const shares = await together(team, async () =>
    own.length === 0 ? [] : zip(own, await work(own)).map(([, result]) => result),
  );
  return inOrder(shares);
}

/** The items of one rank: every n-th, from its own number on. */
export function shareOf<Item>(items: readonly Item[], { rank, size }: Pick<Place, 'rank' | 'size'>): Item[] {
  return items.filter((_, i) => i % size === rank);
}

/** Puts the shares of all ranks together again. */
export function inOrder<Result>(shares: readonly (readonly Result[])[]): Result[] {
  const rows = Math.max(...shares.map(({ length }) => length));
  return Array.from({ length: rows }, (_, row) =>
    shares.flatMap((share) => share.slice(row, row + 1)),
  ).flat();
}
