import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { checkOptions } from '../check-options.js';
import { entryOf } from '../checked.js';
import { defineOptimizer } from './entry.js';
import { isDecayed, type Optimizer, type OptimizerUpdate } from './optimizer.js';

/** Constants of AdamW. */
export interface AdamWOptions {
  /** @default 0.9 */
  readonly beta1?: number;
  /** @default 0.999 */
  readonly beta2?: number;
  /** @default 1e-8 */
  readonly epsilon?: number;
  /** Decoupled decay of matrices; vectors (norm gains, biases) are never decayed. @default 0 */
  readonly weightDecay?: number;
}

const decayRate = z.number().min(0).lt(1);
const constants = z.strictObject({
  beta1: decayRate.default(0.9),
  beta2: decayRate.default(0.999),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0),
});

type AdamWScalar = 'learningRate' | 'gradientScale' | 'correction1' | 'correction2';

/**
 * AdamW (Loshchilov and Hutter 2019), as `torch.optim.AdamW`:
 *
 *     m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g^2
 *     w = w (1 - lr wd) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 *
 * @throws {TrainError} `bad-option`, naming the constant
 */
export function adamW(options: AdamWOptions = {}): Optimizer<'m' | 'v', AdamWScalar> {
  const { beta1, beta2, epsilon, weightDecay } = checkOptions(constants, options);
  return {
    name: `adamw ${[beta1, beta2, epsilon, weightDecay]}`,
    isElementwise: true,
    slots: (shape) => ({ m: shape, v: shape }),
    scalars: (t, learningRate, gradientScale) => ({
      learningRate,
      gradientScale,
      correction1: 1 - beta1 ** t,
      correction2: 1 - beta2 ** t,
    }),
    update(weights, moments, gradients, { learningRate, gradientScale, correction1, correction2 }) {
      // Scalars are combined first, so that each array is touched as few times as possible:
      // lr m/c1 / (sqrt(v/c2) + eps) = (lr sqrt(c2)/c1) m / (sqrt(v) + eps sqrt(c2)).
      const root = tf.sqrt(correction2);
      const stepSize = tf.div(tf.mul(learningRate, root), correction1);
      const floor = tf.mul(root, epsilon);
      const keep = tf.sub(1, tf.mul(learningRate, weightDecay));
      const gain1 = tf.mul(gradientScale, 1 - beta1);
      const gain2 = tf.mul(tf.square(gradientScale), 1 - beta2);
      const next: OptimizerUpdate<'m' | 'v'> = { weights: {}, moments: { m: {}, v: {} } };
      for (const [name, w] of Object.entries(weights)) {
        const g = entryOf(gradients, name);
        const m = tf.add(tf.mul(entryOf(moments.m, name), beta1), tf.mul(g, gain1));
        const v = tf.add(tf.mul(entryOf(moments.v, name), beta2), tf.mul(tf.square(g), gain2));
        const change = tf.mul(tf.div(m, tf.add(tf.sqrt(v), floor)), stepSize);
        const decayed = weightDecay !== 0 && isDecayed(w.rank) ? tf.mul(w, keep) : w;
        next.moments.m[name] = m;
        next.moments.v[name] = v;
        next.weights[name] = tf.sub(decayed, change);
      }
      return next;
    },
  };
}

/** AdamW as a configuration names it. */
export const adamWEntry = defineOptimizer({
  settings: {
    betas: z
      .tuple([decayRate, decayRate])
      .optional()
      .meta({ description: 'decay rates of both moments of AdamW', usual: '0.9, 0.999' }),
  },
  create: ({ weightDecay, betas = [] }) => {
    const [beta1, beta2] = betas;
    return adamW({ beta1, beta2, weightDecay });
  },
});
