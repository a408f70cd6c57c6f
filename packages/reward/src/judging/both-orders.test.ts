import { sigmoid } from '@gram/ranking';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bothOrders } from './both-orders.js';

const logit = fc.double({ min: -50, max: 50, noNaN: true });
const logits = fc.tuple(logit, logit);

it('averages the probabilities of both orders', () => {
  // softmax([1.2, 0.3])[0] = 0.710950 and softmax([0.5, 0.1])[1] = 0.401312, by hand.
  const { probability, orders, consistent } = bothOrders([1.2, 0.3], [0.5, 0.1]);
  expect(orders[0]).toBeCloseTo(0.71095, 6);
  expect(orders[1]).toBeCloseTo(0.401312, 6);
  expect(probability).toBeCloseTo(0.556131, 6);
  expect(consistent).toBe(false);
});

it('gives a consistent, certain model its certainty', () => {
  const { probability, consistent } = bothOrders([5, 0], [0, 5]);
  expect(probability).toBeCloseTo(1 / (1 + Math.exp(-5)), 12);
  expect(consistent).toBe(true);
});

it('does not depend on which response is called a', () => {
  fc.assert(
    fc.property(logits, logits, (ab, ba) => {
      expect(bothOrders(ab, ba).probability + bothOrders(ba, ab).probability).toBeCloseTo(1, 12);
      expect(bothOrders(ab, ba).consistent).toBe(bothOrders(ba, ab).consistent);
    }),
    {
      examples: [
        [
          [0, 2 ** -54],
          [0, 0],
        ],
      ],
      numRuns: 2000,
    },
  );
});

it('is an exact tie when only the position counts', () => {
  fc.assert(fc.property(logits, (both) => bothOrders(both, both).probability === 0.5));
});

it('has a sigmoid that does not overflow', () => {
  expect([sigmoid(-1000), sigmoid(0), sigmoid(1000)]).toEqual([0, 0.5, 1]);
  expect(sigmoid(-2)).toBeCloseTo(0.11920292202211755, 15);
});
