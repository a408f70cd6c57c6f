import { commonSubsequence } from '../language/words.js';
import type { Reading } from './oracle.js';

/** Correctness of an answer that names the right word beside a wrong one. */
const HEDGED = 0.5;

/** What an answer that is one word of a kind (a number, a color, a name) is graded by. */
export interface SingleKey {
  /** The right word. */
  readonly answer: string;
  /** Words of the kind. */
  readonly kind: ReadonlySet<string>;
  /** The grade of a wrong word. @default 0.1 for all of them */
  readonly near?: (word: string) => number;
  /** Words of the kind that an answer may repeat from the question. @default none */
  readonly restated?: readonly string[];
}

/**
 * Grades an answer that is one word of a kind.
 *
 * The last word of the kind is the answer. Another word of the kind that is not in `restated`, or the answer
 * said more than twice, makes it a hedge.
 * Right gives 1, a hedge that names the right word 0.5, anything else `near(word)`.
 */
export function gradeSingle(
  { words }: Reading,
  { answer, kind, near = () => 0.1, restated = [] }: SingleKey,
): number {
  const named = words.filter((word) => kind.has(word));
  const last = named.at(-1);
  if (last === undefined) return 0;
  const hedges =
    named.some((word) => word !== last && !restated.includes(word)) ||
    named.filter((word) => word === last).length > 2;
  if (hedges) return named.includes(answer) ? HEDGED : near(last) / 2;
  return last === answer ? 1 : near(last);
}

/** Returns the credit of a number by its distance from the right one: 0.45, 0.2, then 0.05. */
export function nearNumber(answer: number): (word: string) => number {
  return (word) => [1, 0.45, 0.2][Math.abs(Number(word) - answer)] ?? 0.05;
}

/**
 * Grades an ordered list: 1 when the words of the kind are exactly the target, else 0.8 times the squared share
 * of the longest common subsequence in the longer of the two.
 */
export function gradeSequence(
  { words }: Reading,
  target: readonly string[],
  kind: ReadonlySet<string>,
): number {
  const named = words.filter((word) => kind.has(word));
  if (named.join(' ') === target.join(' ')) return 1;
  return 0.8 * (commonSubsequence(named, target) / Math.max(named.length, target.length, 1)) ** 2;
}
