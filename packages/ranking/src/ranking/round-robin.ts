import { sigmoid } from '../comparator/sigmoid.js';
import { fitBradleyTerry } from './bradley-terry.js';
import { descendingSums, type Pair, type Plan, type Strategy } from './plan.js';
import { winRates } from './win-rates.js';

/** Rule by which the comparisons of a round robin become scores. */
export type Aggregate = 'win-rate' | 'bradley-terry';

/** See `roundRobin`. */
export function roundRobinStrategy(aggregate: Aggregate): Strategy {
  return {
    name: aggregate === 'win-rate' ? 'round-robin' : 'bradley-terry',
    plan: (n) => plan(n, aggregate),
    cost: (n) => ({ comparisons: (n * (n - 1)) / 2, rounds: 1 }),
  };
}

function* plan(n: number, aggregate: Aggregate): Plan {
  const pairs: Pair[] = [];
  for (let a = 0; a < n; a++) for (let b = a + 1; b < n; b++) pairs.push([a, b]);
  const games = yield pairs;
  const rates = winRates(games, new Array<number>(n).fill(1));
  // Strengths of a complete round robin are in the order of the sums (Ford 1957), which have no error of a fit.
  const order = descendingSums(rates);
  const scores = aggregate === 'win-rate' ? rates : fitBradleyTerry(n, games).map(sigmoid);
  return { order, scores };
}
