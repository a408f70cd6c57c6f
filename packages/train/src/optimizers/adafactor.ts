import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { checkOptions } from '../check-options.js';
import { elementAt, entryOf } from '../checked.js';
import { defineOptimizer } from './entry.js';
import { isDecayed, type Optimizer, type OptimizerUpdate } from './optimizer.js';

/** Constants of Adafactor. */
export interface AdafactorOptions {
  /** Power of the step with which the second moment forgets less and less. @default -0.8 */
  readonly beta2Decay?: number;
  /** Least root mean square of a weight that its steps are measured by. @default 1e-3 */
  readonly epsilon?: number;
  /** Largest root mean square of an update. @default 1 */
  readonly clip?: number;
  /** Decoupled decay of matrices; vectors are never decayed. @default 0 */
  readonly weightDecay?: number;
}

const constants = z.strictObject({
  beta2Decay: z.number().negative().default(-0.8),
  epsilon: z.number().positive().default(1e-3),
  clip: z.number().positive().default(1),
  weightDecay: z.number().min(0).default(0),
});

type AdafactorScalar = 'learningRate' | 'gradientScale' | 'fresh' | 'relativeStep';

/** The distance of 1 from the next float32. */
const tiny = 2 ** -23;

/**
 * Adafactor (Shazeer and Stern 2018), as `torch.optim.Adafactor`: of a matrix's second moment it remembers the means of rows
 * and columns only, so that it takes hardly any memory.
 *
 *     s = t^d                        r = (1 - s) r + s mean_j g^2      c = (1 - s) c + s mean_i g^2
 *     u = g / sqrt(r c / mean r)     u = u / max(1, rms(u) / clip)
 *     w = w (1 - lr wd) - max(eps, rms(w)) min(lr, 1 / sqrt(t)) u
 *
 * @throws {TrainError} `bad-option`, naming the constant
 */
export function adafactor(options: AdafactorOptions = {}): Optimizer<string, AdafactorScalar> {
  const { beta2Decay, epsilon, clip, weightDecay } = checkOptions(constants, options);
  return {
    name: `adafactor ${[beta2Decay, epsilon, clip, weightDecay]}`,
    slots: (shape): Record<string, readonly number[]> =>
      shape.length === 2 ? { row: [elementAt(shape, 0), 1], column: [1, elementAt(shape, 1)] } : { v: shape },
    scalars: (t, learningRate, gradientScale) => ({
      learningRate,
      gradientScale,
      fresh: t ** beta2Decay,
      relativeStep: Math.min(learningRate, 1 / Math.sqrt(t)),
    }),
    update(weights, moments, gradients, { learningRate, gradientScale, fresh, relativeStep }) {
      const next: OptimizerUpdate = { weights: {}, moments: {} };
      const keep = tf.sub(1, tf.mul(learningRate, weightDecay));
      /** A mean that forgets: the new value becomes a part of it. */
      const blend = (slot: string, name: string, value: tf.Tensor) => {
        const mean = tf.add(
          tf.mul(entryOf(entryOf(moments, slot), name), tf.sub(1, fresh)),
          tf.mul(value, fresh),
        );
        next.moments[slot] ??= {};
        next.moments[slot][name] = mean;
        return mean;
      };
      for (const [name, w] of Object.entries(weights)) {
        const g = tf.mul(entryOf(gradients, name), gradientScale);
        const square = tf.square(g);
        let variance: tf.Tensor;
        if (w.rank === 2) {
          const row = blend('row', name, tf.mean(square, 1, true));
          const column = blend('column', name, tf.mean(square, 0, true));
          variance = tf.div(tf.mul(row, column), tf.maximum(tf.mean(row), tiny));
        } else {
          variance = blend('v', name, square);
        }
        const update = tf.mul(g, tf.rsqrt(tf.maximum(variance, tiny * tiny)));
        const size = tf.maximum(1, tf.div(rootMeanSquare(update), clip));
        const scale = tf.div(tf.mul(tf.maximum(epsilon, rootMeanSquare(w)), relativeStep), size);
        const decayed = weightDecay !== 0 && isDecayed(w.rank) ? tf.mul(w, keep) : w;
        next.weights[name] = tf.sub(decayed, tf.mul(update, scale));
      }
      return next;
    },
  };
}

function rootMeanSquare(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.mean(tf.square(x)));
}

/** Adafactor as a configuration names it. */
export const adafactorEntry = defineOptimizer({
  settings: {},
  create: ({ weightDecay }) => adafactor({ weightDecay }),
});
