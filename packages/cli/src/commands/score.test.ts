import { expect, it } from 'vitest';
import { verdictOf } from './score.js';

it.each([
  [0.9, 'a is better with probability 0.9000'],
  [0.25, 'b is better with probability 0.7500'],
  [0.4901, 'near tie: b is better with probability 0.5099'],
  [0.52, 'near tie: a is better with probability 0.5200'],
  [0.5, 'a tie'],
  [0.499_99, 'a tie'],
])('names the winner of a probability of %d with its own probability', (probability, verdict) => {
  expect(verdictOf(probability)).toBe(verdict);
});
