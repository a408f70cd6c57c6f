import type { Random } from '@gram/base';
import type { Quality } from './writers.js';

/** The shares in which the qualities of responses are drawn. They sum to 1. */
export type Mixture = readonly (readonly [Quality, number])[];

/** The mixture of labeled pairs, before lengths are balanced. It is diverse, so that there is something to judge. */
export const LABELED_MIXTURE: Mixture = [
  ['right', 0.24],
  ['partial', 0.11],
  ['wrong', 0.13],
  ['off-topic', 0.09],
  ['padded', 0.07],
  ['rambling', 0.08],
  ['unsafe', 0.06],
  ['echo', 0.04],
  ['truncated', 0.07],
  ['misformatted', 0.07],
  ['refusal', 0.04],
];

/** The mixture of unlabeled pairs: plausible answers, mostly good. */
export const UNLABELED_MIXTURE: Mixture = [
  ['right', 0.6],
  ['partial', 0.12],
  ['wrong', 0.1],
  ['padded', 0.08],
  ['misformatted', 0.06],
  ['truncated', 0.04],
];

/** The share of pairs that a careful writer wrote, where one writer writes both responses. */
export const CAREFUL_SHARE = 0.6;

/** The mixture of a careful writer. */
export const CAREFUL_MIXTURE: Mixture = [
  ['right', 0.92],
  ['partial', 0.03],
  ['wrong', 0.01],
  ['padded', 0.02],
  ['misformatted', 0.01],
  ['truncated', 0.01],
];

/** The mixture of a careless writer: over both kinds of writers the shares are those of the unlabeled mixture. */
export const CARELESS_MIXTURE: Mixture = UNLABELED_MIXTURE.map(([quality, share]) => {
  const careful = CAREFUL_MIXTURE.find(([name]) => name === quality)?.[1] ?? 0;
  return [quality, (share - CAREFUL_SHARE * careful) / (1 - CAREFUL_SHARE)];
});

/**
 * The mixture of demonstrations, as if written by people of different skill and care. A policy that imitates them is
 * fluent and often wrong, so that learning from a reward has something to add.
 */
export const DEMONSTRATION_MIXTURE: Mixture = [
  ['right', 0.42],
  ['partial', 0.12],
  ['wrong', 0.1],
  ['padded', 0.1],
  ['rambling', 0.06],
  ['misformatted', 0.08],
  ['truncated', 0.05],
  ['off-topic', 0.04],
  ['refusal', 0.03],
];

/** Draws a quality in the shares of a mixture. */
export function drawQuality(random: Random, mixture: Mixture): Quality {
  let rest = random.uniform();
  let drawn: Quality = 'right';
  for (const [quality, share] of mixture) {
    drawn = quality;
    rest -= share;
    if (rest < 0) break;
  }
  return drawn;
}
