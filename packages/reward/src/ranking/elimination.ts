import { sigmoid } from '../probability.js';
import { descending, type Outcome, type Pair, type Plan, pairOf, type Strategy, winnerOf } from './plan.js';

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
    const pair = pairOf(best, newcomer);
    const [probability] = yield [pair];
    const defeat = defeatOf(pair, probability!);
    defeats.push(defeat);
    best = defeat.winner;
  }
  return outcome(n, best, defeats);
}

function* knockoutPlan(n: number): Plan {
  const defeats: Defeat[] = [];
  let left = Array.from({ length: n }, (_, place) => place);
  while (left.length > 1) {
    // The last of an odd number has a bye and stands first in the next round: nobody gets a second one.
    const next = left.length % 2 === 1 ? [left.pop()!] : [];
    const pairs = Array.from({ length: left.length / 2 }, (_, i) => pairOf(left[2 * i]!, left[2 * i + 1]!));
    const probabilities = yield pairs;
    for (const [index, pair] of pairs.entries()) {
      const defeat = defeatOf(pair, probabilities[index]!);
      defeats.push(defeat);
      next.push(defeat.winner);
    }
    left = next;
  }
  return outcome(n, left[0]!, defeats);
}

function defeatOf(pair: Pair, probability: number): Defeat {
  const winner = winnerOf(pair, probability);
  const [earlier, later] = pair;
  const [loser, chance] = winner === earlier ? [later, 1 - probability] : [earlier, probability];
  return { loser, winner, logOdds: Math.log(chance / (1 - chance)) };
}

/**
 * Every response but one has lost exactly once, so defeats are a tree, and strengths of a Bradley-Terry model that agree
 * with all of them exist: the log odds against the best one are the sum of those on the way to it. None is above 0.
 */
function outcome(n: number, best: number, defeats: readonly Defeat[]): Outcome {
  const logOdds = new Array<number>(n).fill(0);
  // From the last defeat back: whoever put a response out was put out later, or is the best one.
  for (const { loser, winner, logOdds: lost } of defeats.toReversed())
    logOdds[loser] = logOdds[winner]! + lost;
  const others = descending(logOdds).filter((place) => place !== best);
  return { order: [best, ...others], scores: logOdds.map(sigmoid) };
}
