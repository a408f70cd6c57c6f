import type { Answer, Random } from '@gram/base';
import type { PreferencePair } from '../records.js';

/** A judged pair as a judge sees it: two responses in an order, and which is better. */
export interface PlacedPair extends Omit<PreferencePair, 'chosen' | 'rejected'> {
  readonly responses: readonly [Answer, Answer];
  readonly label: 'A' | 'B';
}

/** Puts the two responses of a judged pair in random order, both equally likely. */
export function placePair({ chosen, rejected, ...rest }: PreferencePair, random: Random): PlacedPair {
  return random.integer(2) === 0
    ? { ...rest, responses: [chosen, rejected], label: 'A' }
    : { ...rest, responses: [rejected, chosen], label: 'B' };
}
