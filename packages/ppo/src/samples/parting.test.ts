import { expect, it } from 'vitest';
import { partingStep } from './parting.js';

const evaluations = (rewards: readonly number[], heldOut: readonly number[]) =>
  rewards.map((reward, i) => ({ step: 10 * i, reward, heldOut: heldOut[i]! }));

it('is where the held-out reward is at its best while the other goes on', () => {
  expect(partingStep(evaluations([0, 1, 2, 3], [0, 5, 4, 3]))).toBe(10);
  expect(partingStep(evaluations([0, 1, 2, 3], [5, 4, 4, 3]))).toBe(0);
});

it('is nowhere where both rise, both fall, or nothing is held out', () => {
  expect(partingStep(evaluations([0, 1, 2], [0, 1, 2]))).toBeUndefined();
  expect(partingStep(evaluations([3, 2, 1], [3, 2, 1]))).toBeUndefined();
  expect(
    partingStep([
      { step: 0, reward: 1 },
      { step: 1, reward: 2 },
    ]),
  ).toBeUndefined();
  expect(partingStep([])).toBeUndefined();
});
