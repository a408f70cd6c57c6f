import { type Plan, pairOf, type Strategy, winnerOf } from './plan.js';

/** See `mergeSort`. */
export const mergeSortStrategy: Strategy = {
  name: 'merge-sort',
  plan,
  cost: (n) => {
    const levels = Math.ceil(Math.log2(n));
    let rounds = 0;
    for (let level = 0; level < levels; level++) rounds += Math.ceil(n / 2 ** level) - 1;
    return { comparisons: n * levels - 2 ** levels + 1, rounds };
  },
};

/** Two sorted runs that become one. The left one holds the earlier responses. */
interface Merge {
  readonly left: number[];
  readonly right: number[];
  readonly merged: number[];
}

/**
 * At level d the list is cut into 2^d parts as even as can be, part i from i n / 2^d on, rounded down. From the finest cut,
 * which has at most one response in each part, two neighbours at a time become a part of the level above.
 */
function* plan(n: number): Plan {
  const levels = Math.ceil(Math.log2(n));
  const start = (part: number, level: number) => Math.floor((part * n) / 2 ** level);
  let runs = Array.from({ length: 2 ** levels }, (_, part) => {
    const from = start(part, levels);
    return from < start(part + 1, levels) ? [from] : [];
  });
  while (runs.length > 1) {
    const merges = Array.from({ length: runs.length / 2 }, (_, i): Merge => {
      return { left: runs[2 * i]!, right: runs[2 * i + 1]!, merged: [] };
    });
    for (;;) {
      const open = merges.filter(({ left, right }) => left.length > 0 && right.length > 0);
      if (open.length === 0) break;
      const pairs = open.map(({ left, right }) => pairOf(left[0]!, right[0]!));
      const probabilities = yield pairs;
      for (const [index, { left, right, merged }] of open.entries()) {
        const first = winnerOf(pairs[index]!, probabilities[index]!) === left[0] ? left : right;
        merged.push(first.shift()!);
      }
    }
    runs = merges.map(({ left, right, merged }) => [...merged, ...left, ...right]);
  }
  const order = runs[0]!;
  const scores = new Array<number>(n).fill(0);
  for (const [at, place] of order.entries()) scores[place] = (n - 1 - at) / (n - 1);
  return { order, scores };
}
