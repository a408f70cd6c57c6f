import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochBatches, totalSteps } from './epoch-batches.js';

const plans = fc.record({
  examples: fc.integer({ min: 1, max: 400 }),
  batchSize: fc.integer({ min: 1, max: 40 }),
  epochs: fc.constant(2),
  seed: fc.integer({ min: 0, max: 1000 }),
});

describe('epochBatches', () => {
  it('draws every example once an epoch, in as many batches as totalSteps counts', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const batches = epochBatches(plan, 0, (i) => i % 17);
        expect(batches.flat().sort((a, b) => a - b)).toEqual(
          Array.from({ length: plan.examples }, (_, i) => i),
        );
        expect(batches.length * plan.epochs).toBe(totalSteps(plan));
        expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(plan.batchSize);
      }),
    );
  });

  it('is a function of seed and epoch', () => {
    const plan = { examples: 100, batchSize: 8, epochs: 2, seed: 3 };
    const length = (i: number) => i % 9;
    expect(epochBatches(plan, 1, length)).toEqual(epochBatches(plan, 1, length));
    expect(epochBatches(plan, 1, length)).not.toEqual(epochBatches(plan, 0, length));
    expect(epochBatches({ ...plan, seed: 4 }, 1, length)).not.toEqual(epochBatches(plan, 1, length));
  });

  it('puts sequences of similar length together', () => {
    const length = (i: number) => (i * 37) % 100;
    const batches = epochBatches({ examples: 512, batchSize: 16, epochs: 1, seed: 0 }, 0, length);
    const padded = batches.reduce((sum, b) => sum + b.length * Math.max(...b.map(length)), 0);
    const real = Array.from({ length: 512 }, (_, i) => length(i)).reduce((a, b) => a + b);
    expect(padded / real).toBeLessThan(1.15);
  });
});
