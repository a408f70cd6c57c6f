import { sigmoid } from '../comparator/sigmoid.js';
import {
  descending,
  type Game,
  type Outcome,
  type Pair,
  type Plan,
  pairOf,
  type Strategy,
  winnerOf,
} from './plan.js';

/** See `linearScan`. */
export const linearScanStrategy: Strategy = {
  name: 'linear-scan',
  plan: linearScanPlan,
  cost: (n) => ({ comparisons: n - 1, rounds: n - 1 }),
};

/** See `knockout`. */
export const knockoutStrategy: Strategy = {
  name: 'knockout',
  plan: knockoutPlan,
  cost: (n) => ({ comparisons: n - 1, rounds: Math.ceil(Math.log2(n)) }),
};

/** A response that is out, and its log odds against the one that put it out: 0 or less. */
interface Defeat {
  readonly loser: number;
  readonly winner: number;
  readonly logOdds: number;
}

function* linearScanPlan(n: number): Plan {
  const defeats: Defeat[] = [];
  let best = 0;
  for (let newcomer = 1; newcomer < n; newcomer++) {
    const found = (yield [pairOf(best, newcomer)]).map(defeatOf);
    defeats.push(...found);
    for (const { winner } of found) best = winner;
  }
  return outcome(n, best, defeats);
}

function* knockoutPlan(n: number): Plan {
  const defeats: Defeat[] = [];
  let left = Array.from({ length: n }, (_, place) => place);
  while (left.length > 1) {
    // The last of an odd number has a bye and stands first in the next round: nobody gets a second one.
    const byes = left.splice(left.length - (left.length % 2));
    const found = (yield neighbors(left)).map(defeatOf);
    defeats.push(...found);
    left = [...byes, ...found.map(({ winner }) => winner)];
  }
  const [best = 0] = left;
  return outcome(n, best, defeats);
}

/** Pairs each response at an even position with the next one. */
function neighbors(places: readonly number[]): Pair[] {
  return places.flatMap((place, at) => {
    const next = places[at + 1];
    return at % 2 === 1 || next === undefined ? [] : [pairOf(place, next)];
  });
}

function defeatOf(game: Game): Defeat {
  const [earlier, later] = game.pair;
  const winner = winnerOf(game);
  const [loser, chance] = winner === earlier ? [later, 1 - game.probability] : [earlier, game.probability];
  return { loser, winner, logOdds: Math.log(chance / (1 - chance)) };
}

/**
 * Every response but one has lost exactly once, so defeats are a tree, and strengths of a Bradley-Terry model that agree
 * with all of them exist: the log odds against the best one are the sum of those on the way to it. None is above 0.
 */
function outcome(n: number, best: number, defeats: readonly Defeat[]): Outcome {
  const logOdds = new Array<number>(n).fill(0);
  // From the last defeat back: whoever put a response out was put out later, or is the best one.
  for (const { loser, winner, logOdds: lost } of defeats.toReversed()) {
    logOdds[loser] = (logOdds[winner] ?? 0) + lost;
  }
  const others = descending(logOdds).filter((place) => place !== best);
  return { order: [best, ...others], scores: logOdds.map(sigmoid) };
}
