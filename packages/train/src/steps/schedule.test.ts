import { describe, expect, it } from 'vitest';
import { learningRateAt } from './schedule.js';

describe('learningRateAt', () => {
  const schedule = { learningRate: 2, warmupRatio: 0.1, totalSteps: 100 };

  // The warm-up is lr * (step + 1) / 10. Then get_cosine_schedule_with_warmup(warmup 10, total 100): lr * (1 + cos(pi x)) / 2.
  it.each([
    [0, 0.2],
    [4, 1],
    [9, 2],
    [10, 2],
    [55, 1],
    [100, 0],
  ])('step %d', (step, rate) => expect(learningRateAt(schedule, step)).toBeCloseTo(rate, 12));

  it('starts at the top without a warm-up', () => {
    expect(learningRateAt({ ...schedule, warmupRatio: 0 }, 0)).toBe(2);
  });

  it.each([1, 2, 5, 10, 11])('learns in the first of %d steps', (totalSteps) => {
    expect(learningRateAt({ ...schedule, totalSteps }, 0)).toBeGreaterThanOrEqual(1);
  });

  // get_linear_schedule_with_warmup and get_constant_schedule_with_warmup.
  it.each([
    ['linear', 4, 1],
    ['linear', 10, 2],
    ['linear', 55, 1],
    ['linear', 100, 0],
    ['constant', 4, 1],
    ['constant', 10, 2],
    ['constant', 99, 2],
  ] as const)('%s, step %d', (name, step, rate) => {
    expect(learningRateAt({ ...schedule, schedule: name }, step)).toBeCloseTo(rate, 12);
  });
});
