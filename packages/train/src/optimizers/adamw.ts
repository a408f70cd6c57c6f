import * as tf from '@tensorflow/tfjs';

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

/** Tensors by weight name. */
export type NamedTensors = Readonly<Record<string, tf.Tensor>>;

/** First and second moments of the gradients. */
export interface Moments<T> {
  readonly m: Readonly<Record<string, T>>;
  readonly v: Readonly<Record<string, T>>;
}

/** The numbers that change from step to step; each is a scalar input of the update. */
export interface StepScalars<T> {
  readonly learningRate: T;
  /** Factor on the gradients, for clipping. */
  readonly gradientScale: T;
  /** 1 - beta1^t and 1 - beta2^t, t from 1. */
  readonly correction1: T;
  readonly correction2: T;
}

/** An optimizer as a pair of pure functions. */
export interface Optimizer {
  /** The scalars of update number `t`, from 1. */
  scalars(t: number, learningRate: number, gradientScale: number): StepScalars<number>;
  /** One update: everything in, everything out. */
  update(
    weights: NamedTensors,
    moments: Moments<tf.Tensor>,
    gradients: NamedTensors,
    step: StepScalars<tf.Tensor>,
  ): {
    weights: Record<string, tf.Tensor>;
    moments: { m: Record<string, tf.Tensor>; v: Record<string, tf.Tensor> };
  };
}

/**
 * AdamW (Loshchilov and Hutter 2019), as `torch.optim.AdamW`:
 *
 *     m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g^2
 *     w = w (1 - lr wd) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 */
export function adamW({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0,
}: AdamWOptions = {}): Optimizer {
  return {
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
      const next = { weights: {}, moments: { m: {}, v: {} } } as ReturnType<Optimizer['update']>;
      for (const [name, w] of Object.entries(weights)) {
        const g = gradients[name]!;
        const m = tf.add(tf.mul(moments.m[name]!, beta1), tf.mul(g, gain1));
        const v = tf.add(tf.mul(moments.v[name]!, beta2), tf.mul(tf.square(g), gain2));
        const change = tf.mul(tf.div(m, tf.add(tf.sqrt(v), floor)), stepSize);
        const decayed = weightDecay !== 0 && w.rank > 1 ? tf.mul(w, keep) : w;
        next.moments.m[name] = m;
        next.moments.v[name] = v;
        next.weights[name] = tf.sub(decayed, change);
      }
      return next;
    },
  };
}
