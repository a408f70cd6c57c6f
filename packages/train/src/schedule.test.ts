import { describe, expect, it } from 'vitest';
import { cosineWithWarmup } from './schedule.js';

describe('cosineWithWarmup', () => {
  const schedule = { learningRate: 2, warmupRatio: 0.1, totalSteps: 100 };

  // get_cosine_schedule_with_warmup(warmup 10, total 100): lr * step / 10, then lr * (1 + cos(pi x)) / 2.
  it.each([
    [0, 0],
    [5, 1],
    [10, 2],
    [55, 1],
    [100, 0],
  ])('step %d', (step, rate) => expect(cosineWithWarmup(schedule, step)).toBeCloseTo(rate, 12));

  it('starts at the top without a warm-up', () => {
    expect(cosineWithWarmup({ ...schedule, warmupRatio: 0 }, 0)).toBe(2);
  });
});
