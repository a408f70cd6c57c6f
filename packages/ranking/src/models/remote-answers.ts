import type { Comparison } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';

/** Maximum length of an answer, in bytes; that of a full request is a hundredth of it. */
const MAX_ANSWER_BYTES = 2 ** 22;
const CHECK_ADDRESS = 'check the address of the server';

/** Reads the body of an answer, of limited length, as JSON; undefined where it is none. */
export async function readJson(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw remoteError('the answer is too long', CHECK_ADDRESS);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

/** Returns the list of results in an answer. */
export function resultsOf(answer: unknown): unknown[] {
  const results = (answer as { results?: unknown } | null | undefined)?.results;
  if (Array.isArray(results)) return results;
  throw remoteError('the answer is not that of a gram server', CHECK_ADDRESS);
}

/** Checks that results are comparisons, one for each item. */
export function comparisonsOf(results: readonly unknown[], count: number): Comparison[] {
  const valid = results.length === count && results.every(isComparison);
  if (valid) return results as Comparison[];
  throw remoteError(
    'the answer is not that of a gram server',
    'check the address and the version of the server',
  );
}

function isComparison(value: unknown): value is Comparison {
  const { probability, orders, consistent, truncated, neutralized } = (value ?? {}) as Record<
    string,
    unknown
  >;
  const isProbability = (p: unknown) => typeof p === 'number' && p >= 0 && p <= 1;
  return (
    isProbability(probability) &&
    (orders === undefined || (Array.isArray(orders) && orders.length === 2 && orders.every(isProbability))) &&
    [consistent, truncated, neutralized].every((flag) => typeof flag === 'boolean')
  );
}

/** Returns message and hint of an error that the server reported. */
export function complaintOf(answer: unknown, status: number): { message: string; hint: string } {
  const { message, hint } = ((answer as { error?: unknown } | undefined)?.error ?? {}) as Record<
    string,
    unknown
  >;
  return {
    message: `the server answered ${status}${typeof message === 'string' ? `: ${message.slice(0, 500)}` : ''}`,
    hint: typeof hint === 'string' ? hint.slice(0, 500) : CHECK_ADDRESS,
  };
}

/** Builds the error of a request that failed. */
export function remoteError(message: string, hint: string, cause?: unknown): RewardError {
  return new RewardError('remote-failed', message, hint, { cause });
}
