import { sigmoid } from '@gram/ranking';

/** Logits of the labels "first response is better" and "second response is better". */
export type LabelLogits = readonly [number, number];

/**
 * Probability that response a is preferred, from both orders: the arithmetic mean of the softmax over the two
 * labels, as in the evaluator that was released with GRAM (Wang et al., ICML 2025). It does not depend on which
 * response is called a: exchanging both arguments and the names gives one minus the probability.
 *
 * @param ab logits where a is shown first
 * @param ba logits where b is shown first
 */
export function bothOrders(
  ab: LabelLogits,
  ba: LabelLogits,
): { probability: number; orders: [number, number]; consistent: boolean } {
  const first = sigmoid(ab[0] - ab[1]);
  // One minus, and not the sigmoid of the negative, so that a pure preference for a position is an exact tie.
  const second = 1 - sigmoid(ba[0] - ba[1]);
  return {
    probability: (first + second) / 2,
    orders: [first, second],
    // By the logits: a difference too small to move a probability from 0.5 would count in one order only.
    consistent: Math.sign(ab[0] - ab[1]) === Math.sign(ba[1] - ba[0]),
  };
}
