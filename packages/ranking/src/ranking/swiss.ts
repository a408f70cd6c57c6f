import { RewardError } from '../comparator/error.js';
import { sigmoid } from '../comparator/sigmoid.js';
import { fitBradleyTerry } from './bradley-terry.js';
import { descendingSums, type Game, type Plan, pairOf, type Strategy } from './plan.js';

/** See `swiss`. @throws RewardError `bad-option` for a number of rounds that is not whole or below 1 */
export function swissStrategy(rounds?: number): Strategy {
  if (rounds !== undefined && (!Number.isSafeInteger(rounds) || rounds < 1)) {
    throw new RewardError(
      'bad-option',
      `the number of rounds is ${rounds}`,
      'give a whole number of at least 1',
    );
  }
  const roundsOf = (n: number) => Math.min(rounds ?? 2 * Math.ceil(Math.log2(n)), evenUp(n) - 1);
  return {
    name: 'swiss',
    plan: (n) => plan(n, roundsOf(n)),
    cost: (n) => ({ comparisons: roundsOf(n) * Math.floor(n / 2), rounds: roundsOf(n) }),
  };
}

function evenUp(n: number): number {
  return n + (n % 2);
}

function* plan(n: number, rounds: number): Plan {
  // With an odd number there is one more place, of nobody: who is paired with it sits the round out, and only once.
  const size = evenUp(n);
  const met = new Set<number>();
  const keyOf = (a: number, b: number) => Math.min(a, b) * size + Math.max(a, b);
  const games: Game[] = [];
  let strengths = new Array<number>(n).fill(0);
  for (let round = 0; round < rounds; round++) {
    const standing = descendingSums(strengths);
    if (size > n) standing.push(n);
    const matched = pairNeighbors(standing, (a, b) => met.has(keyOf(a, b)));
    const pairs = matched.filter((pair) => !pair.includes(n)).map(([a, b]) => pairOf(a, b));
    if (pairs.length === 0) break;
    for (const [a, b] of matched) met.add(keyOf(a, b));
    games.push(...(yield pairs));
    strengths = fitBradleyTerry(n, games);
  }
  return { order: descendingSums(strengths), scores: strengths.map(sigmoid) };
}

/**
 * Pairs each response, from the top, with the nearest one below that it has not met. Two that are left without a partner take
 * those of a pair that has to part. If each has met fewer than half of the others, that always leads to a complete pairing:
 * two that are left could be paired with at least as many places as there are, so some pair is open to both. Later a few may
 * have to sit a round out, since a model that is asked twice says the same.
 */
export function pairNeighbors(
  standing: readonly number[],
  haveMet: (a: number, b: number) => boolean,
): [number, number][] {
  const partners = new Map<number, number>();
  const join = (a: number, b: number) => partners.set(a, b).set(b, a);
  for (const [at, one] of standing.entries()) {
    if (partners.has(one)) continue;
    const other = standing.slice(at + 1).find((each) => !partners.has(each) && !haveMet(one, each));
    if (other !== undefined) join(one, other);
  }
  // From the bottom up, where those without a partner are: the top keeps its neighbors.
  const upwards = standing.toReversed();
  for (const one of upwards) {
    for (const other of upwards) {
      if (one === other || partners.has(one) || partners.has(other)) continue;
      const parting = partingPair(upwards, partners, (a, b) => !haveMet(one, a) && !haveMet(other, b));
      if (parting === undefined) continue;
      join(one, parting[0]);
      join(other, parting[1]);
    }
  }
  return standing.flatMap((one, at) => {
    const other = partners.get(one);
    return other !== undefined && standing.indexOf(other) > at ? [[one, other] as [number, number]] : [];
  });
}

/** Finds the first response whose pair is open to two others, and its partner. */
function partingPair(
  places: readonly number[],
  partners: ReadonlyMap<number, number>,
  isOpen: (place: number, partner: number) => boolean,
): [number, number] | undefined {
  for (const place of places) {
    const partner = partners.get(place);
    if (partner !== undefined && isOpen(place, partner)) return [place, partner];
  }
  return undefined;
}
