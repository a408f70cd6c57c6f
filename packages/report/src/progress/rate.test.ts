import { describe, expect, it } from 'vitest';
import { createRate } from './rate.js';

describe('createRate', () => {
  it('keeps what it knows while nothing is done, also for hours, and counts the time with the next work', () => {
    const rate = createRate();
    for (let second = 0; second <= 60; second++) rate.add(second, second * 1000);
    expect(rate.perSecond()).toBeCloseTo(1, 9);
    const suspended = 60_000 + 3_600_000;
    rate.add(60, suspended);
    expect(rate.perSecond()).toBeCloseTo(1, 9);
    rate.add(61, suspended + 1000);
    expect(rate.perSecond()).toBeGreaterThan(1 / 3700);
    expect(rate.perSecond()).toBeLessThan(1 / 3500);
    for (let second = 2; second <= 180; second++) rate.add(60 + second, suspended + second * 1000);
    expect(rate.perSecond()).toBeGreaterThan(0.95);
  });
});
