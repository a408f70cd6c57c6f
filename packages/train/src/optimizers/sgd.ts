import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { checkOptions } from '../check-options.js';
import { entryOf } from '../checked.js';
import { defineOptimizer } from './entry.js';
import { isDecayed, type Optimizer } from './optimizer.js';

/** Constants of stochastic gradient descent. */
export interface SgdOptions {
  /** Share of the last step that is kept; 0 remembers nothing. @default 0 */
  readonly momentum?: number;
  /** Decay of matrices, as a part of their gradient; vectors are never decayed. @default 0 */
  readonly weightDecay?: number;
}

const momentumSetting = z.number().min(0).lt(1);
const constants = z.strictObject({
  momentum: momentumSetting.default(0),
  weightDecay: z.number().min(0).default(0),
});

/**
 * Stochastic gradient descent with momentum (Polyak 1964; Sutskever et al. 2013), as `torch.optim.SGD`:
 *
 *     b = mu b + g + wd w            w = w - lr b
 *
 * @throws {TrainError} `bad-option`, naming the constant
 */
export function sgd(options: SgdOptions = {}): Optimizer<string, 'learningRate' | 'gradientScale'> {
  const { momentum, weightDecay } = checkOptions(constants, options);
  return {
    name: `sgd ${[momentum, weightDecay]}`,
    isElementwise: true,
    slots: (shape): Record<string, readonly number[]> => (momentum === 0 ? {} : { b: shape }),
    scalars: (_, learningRate, gradientScale) => ({ learningRate, gradientScale }),
    update(weights, moments, gradients, { learningRate, gradientScale }) {
      const buffers: Record<string, tf.Tensor> = {};
      const updated: Record<string, tf.Tensor> = {};
      for (const [name, w] of Object.entries(weights)) {
        const scaled = tf.mul(entryOf(gradients, name), gradientScale);
        const g = weightDecay !== 0 && isDecayed(w.rank) ? tf.add(scaled, tf.mul(w, weightDecay)) : scaled;
        const b = momentum === 0 ? g : tf.add(tf.mul(entryOf(entryOf(moments, 'b'), name), momentum), g);
        buffers[name] = b;
        updated[name] = tf.sub(w, tf.mul(b, learningRate));
      }
      const kept: Record<string, Record<string, tf.Tensor>> = momentum === 0 ? {} : { b: buffers };
      return { weights: updated, moments: kept };
    },
  };
}

/** Stochastic gradient descent as a configuration names it. */
export const sgdEntry = defineOptimizer({
  settings: {
    momentum: momentumSetting
      .optional()
      .meta({ description: 'share of the last step that SGD keeps', usual: '0' }),
  },
  create: ({ weightDecay, momentum }) => sgd({ momentum, weightDecay }),
});
