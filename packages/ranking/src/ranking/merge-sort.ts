import { type Pair, type Plan, pairOf, type Strategy, winnerOf } from './plan.js';

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
 * which has at most one response in each part, two neighbors at a time become a part of the level above.
 */
function* plan(n: number): Plan {
  const levels = Math.ceil(Math.log2(n));
  const start = (part: number, level: number) => Math.floor((part * n) / 2 ** level);
  let runs = Array.from({ length: 2 ** levels }, (_, part) => {
    const from = start(part, levels);
    return from < start(part + 1, levels) ? [from] : [];
  });
  while (runs.length > 1) {
    const merges = mergesOf(runs);
    for (let open = merges.flatMap(heads); open.length > 0; open = merges.flatMap(heads)) {
      const games = yield open.map(({ pair }) => pair);
      for (const [at, game] of games.entries()) {
        const merge = open[at]?.merge;
        if (merge !== undefined) advance(merge, winnerOf(game));
      }
    }
    runs = merges.map(({ left, right, merged }) => [...merged, ...left, ...right]);
  }
  const order = runs.flat();
  const scores = new Array<number>(n).fill(0);
  for (const [at, place] of order.entries()) scores[place] = (n - 1 - at) / (n - 1);
  return { order, scores };
}

function mergesOf(runs: readonly number[][]): Merge[] {
  return runs.flatMap((left, at) => {
    const right = runs[at + 1];
    return at % 2 === 1 || right === undefined ? [] : [{ left, right, merged: [] }];
  });
}

/** The pair that a merge has to compare next; none where one of its runs has ended. */
function heads(merge: Merge): { merge: Merge; pair: Pair }[] {
  const [left] = merge.left;
  const [right] = merge.right;
  return left === undefined || right === undefined ? [] : [{ merge, pair: pairOf(left, right) }];
}

function advance({ left, right, merged }: Merge, winner: number): void {
  merged.push(winner);
  (left[0] === winner ? left : right).shift();
}
