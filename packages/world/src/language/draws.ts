import type { Random } from '@gram/base';
import { WorldError } from '../error.js';
import type { Answer } from './format.js';

/** Returns the list with two neighbors swapped or one item left out. */
export function damage(random: Random, items: readonly string[]): string[] {
  const at = random.integer(items.length - 1);
  const [before, pair, after] = [items.slice(0, at), items.slice(at, at + 2), items.slice(at + 2)];
  const isCut = items.length < 4 || random.uniform() < 0.5;
  return [...before, ...(isCut ? pair.slice(1) : pair.reverse()), ...after];
}

/** Draws `count` different items in random order. */
export function sample<T>(random: Random, items: readonly T[], count: number): T[] {
  return random.shuffle(items).slice(0, count);
}

/** Draws two different items in random order. */
export function samplePair<T>(random: Random, items: readonly T[]): [T, T] {
  const [first, second] = random.shuffle(items);
  if (first === undefined || second === undefined) {
    throw new WorldError('bad-option', `there are ${items.length} items`, 'give at least two items');
  }
  return [first, second];
}

/** Draws one item that is not among `excluded`. */
export function pickOther(random: Random, items: readonly string[], ...excluded: readonly string[]): string {
  return random.pick(items.filter((item) => !excluded.includes(item)));
}

/** Writes "right or wrong" in either order: the partly right answer of all families with a one-word answer. */
export function hedge(random: Random, answer: Answer, wrong: string): Answer {
  const [right = ''] = answer.items;
  return { ...answer, items: [random.shuffle([right, wrong]).join(' or ')] };
}
