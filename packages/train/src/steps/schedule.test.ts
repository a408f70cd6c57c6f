import { describe, expect, it } from 'vitest';
import { learningRateAt } from './schedule.js';

describe('learningRateAt', () => {
  const schedule = { learningRate: 2, warmupRatio: 0.1, totalSteps: 100 };

  // get_cosine_schedule_with_warmup(warmup 10, total 100): lr * step / 10, then lr * (1 + cos(pi x)) / 2.
  it.each([
    [0, 0],
    [5, 1],
    [10, 2],
    [55, 1],
    [100, 0],
  ])('step %d', (step, rate) => expect(learningRateAt(schedule, step)).toBeCloseTo(rate, 12));

  it('starts at the top without a warm-up', () => {
    expect(learningRateAt({ ...schedule, warmupRatio: 0 }, 0)).toBe(2);
  });

  // get_linear_schedule_with_warmup and get_constant_schedule_with_warmup.
  it.each([
    ['linear', 5, 1],
    ['linear', 10, 2],
    ['linear', 55, 1],
    ['linear', 100, 0],
    ['constant', 5, 1],
    ['constant', 10, 2],
    ['constant', 99, 2],
  ] as const)('%s, step %d', (name, step, rate) => {
    expect(learningRateAt({ ...schedule, schedule: name }, step)).toBeCloseTo(rate, 12);
  });
});
