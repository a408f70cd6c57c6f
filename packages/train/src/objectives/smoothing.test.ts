import { float32, int32 } from '@gram/engine';
import { evaluate } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullVocabularyLoss, paperSmoothing, smoothedRankingLoss } from './smoothing.js';

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

  it('is a down-weighted ranking loss and a regularizer that is lowest at 0', async () => {
    // Equation 2 of the derivation: (1 - 2 eps) (-log s(D)) + eps (-log s(D) - log s(-D)).
    const softplus = (x: number) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: -12, max: 12, noNaN: true }),
        fc.constantFrom(0, 0.05, 0.1, 0.3),
        async (d, eps) => {
          const wanted = (1 - 2 * eps) * softplus(-d) + eps * (softplus(-d) + softplus(d));
          const [value, slope] = await lossAndSlope(d, eps);
          expect(Math.abs(value - wanted)).toBeLessThan(1e-5 * Math.max(1, wanted));
          // dL/dD = s(D) - (1 - eps)
          expect(slope).toBeCloseTo(1 / (1 + Math.exp(-d)) - (1 - eps), 5);
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

const logSumExp = (values: readonly number[]) => {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
};

/** The loss of one row of logits, of which `label` is the right one and `other` the wrong one, and its slopes. */
async function fullLoss(logits: readonly number[], label: number, other: number, eps: number) {
  const { value, grad } = await evaluate(
    ({ z, right, wrong }: { z: tf.Tensor2D; right: tf.Tensor1D; wrong: tf.Tensor1D }) => {
      const out = tf.valueAndGrad((x: tf.Tensor) => {
        const at = (index: tf.Tensor1D) => tf.reshape(tf.gather(x, index, 1), [-1]);
        const margins = tf.sub(at(right), at(wrong)) as tf.Tensor1D;
        return tf.sum(fullVocabularyLoss(x as tf.Tensor2D, right, margins, eps));
      })(z);
      return { value: out.value, grad: out.grad };
    },
    {
      z: float32([1, logits.length], [...logits]),
      right: int32([1], [label]),
      wrong: int32([1], [other]),
    },
  );
  return { loss: value.data[0]!, slopes: Array.from(grad.data) };
}

describe('the smoothed loss over the whole vocabulary', () => {
  it('is that of the derivation', async () => {
    const { loss } = await fullLoss([2, 0.5, 1, -1], 0, 1, 0.1);
    expect(loss).toBeCloseTo(0.645182, 5);
    expect(loss - (await lossAndSlope(1.5, 0.1))[0]).toBeCloseTo(0.293769, 5);
  });

  it('is the loss over the labels and -log of the probability of a label, and has the slopes of cross-entropy', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 2, maxLength: 9 }),
        fc.boolean(),
        fc.constantFrom(0, 0.05, 0.1, 0.3),
        async (logits, first, eps) => {
          const [label, other] = first ? [0, 1] : [1, 0];
          const { loss, slopes } = await fullLoss(logits, label, other, eps);
          const [labels] = await lossAndSlope(logits[label]! - logits[other]!, eps);
          const extra = logSumExp(logits) - logSumExp(logits.slice(0, 2));
          expect(Math.abs(loss - (labels + extra))).toBeLessThan(1e-5 * Math.max(1, loss));
          for (const [token, logit] of logits.entries()) {
            const wanted = token === label ? 1 - eps : token === other ? eps : 0;
            expect(slopes[token]).toBeCloseTo(Math.exp(logit - logSumExp(logits)) - wanted, 5);
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
