import { float32 } from '@gram/engine';
import { evaluate } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paperSmoothing, smoothedRankingLoss } from './smoothing.js';

async function lossAndSlope(margin: number, eps: number): Promise<[number, number]> {
  const { value, grad } = await evaluate(
    ({ d }: { d: tf.Tensor1D }) => {
      const out = tf.valueAndGrad((x: tf.Tensor) => tf.sum(smoothedRankingLoss(x as tf.Tensor1D, eps)))(d);
      return { value: out.value, grad: out.grad };
    },
    { d: float32([1], [margin]) },
  );
  return [value.data[0]!, grad.data[0]!];
}

describe('the smoothed ranking loss', () => {
  // Test vectors of the derivation: eps, margin, loss, slope.
  it.each([
    [0.1, 2, 0.326928, -0.019203],
    [0.1, 0, Math.LN2, -0.4],
    [0.1, -1, 1.213262, -0.631059],
    // The two-label part of the full-vocabulary example: logits 2.0 and 0.5.
    [0.1, 1.5, 0.351413, -0.082426],
    [0.05, 2, 0.226928, -0.069203],
    [0.05, -1, 1.263262, -0.681059],
  ])('eps %d, margin %d', async (eps, margin, loss, slope) => {
    const [value, gradient] = await lossAndSlope(margin, eps);
    expect(value).toBeCloseTo(loss, 5);
    expect(gradient).toBeCloseTo(slope, 5);
  });

  it.each([
    [0.1, 2.197225, 0.325083],
    [0.05, 2.944439, 0.198515],
  ])(
    'eps %d is lowest at log((1 - eps) / eps), where it is the entropy of eps',
    async (eps, margin, lowest) => {
      const [value, slope] = await lossAndSlope(margin, eps);
      expect(value).toBeCloseTo(lowest, 5);
      expect(slope).toBeCloseTo(0, 5);
      expect((await lossAndSlope(margin + 0.3, eps))[0]).toBeGreaterThan(value);
      expect((await lossAndSlope(margin - 0.3, eps))[0]).toBeGreaterThan(value);
    },
  );

  it('equals the cross-entropy of the smoothed label', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: -12, max: 12, noNaN: true }),
        fc.constantFrom(0, 0.05, 0.1, 0.3),
        async (d, eps) => {
          const p = 1 / (1 + Math.exp(-d));
          const direct = -(1 - eps) * Math.log(p) - eps * Math.log(1 - p);
          const [value] = await lossAndSlope(d, eps);
          expect(Math.abs(value - direct)).toBeLessThan(1e-4 * Math.max(1, direct));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('converts between the conventions', () => {
    expect(paperSmoothing(0.1, 'paper')).toBe(0.1);
    expect(paperSmoothing(0.1, 'uniform-mix')).toBe(0.05);
  });
});
