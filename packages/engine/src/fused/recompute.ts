import * as tf from '@tensorflow/tfjs-core';
import { fusedKernel } from './kernel.js';

/**
 * Gradient checkpointing (Chen et al. 2016): the value of `fn`, whose inside is not kept for the gradient but computed
 * again when the gradient is. In a graph that is no more than the gradient reads: a last product, for one, is not repeated.
 *
 * @param fn a pure function of `inputs`; the gradient reaches nothing else that it uses
 * @param inputs a tensor, or tensors and plain values nested in objects and arrays
 */
export function recompute<Inputs, T extends tf.Tensor>(fn: (inputs: Inputs) => T, inputs: Inputs): T {
  const tensors = [...new Set(tensorsIn(inputs))];
  const [floats, others] = [tensors.filter(isFloat), tensors.filter((tensor) => !isFloat(tensor))];
  /** The value for tensors in the place of those of `inputs`. */
  const valueFor = (given: readonly tf.Tensor[]) => {
    const places = new Map([...floats, ...others].map((tensor, i) => [tensor, given[i]!]));
    return fn(mapTensors(inputs, (tensor) => places.get(tensor)!) as Inputs);
  };
  return tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const given = [...(args.slice(0, -1) as tf.Tensor[]), ...others];
    save(given);
    return {
      value: valueFor(given),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const again = saved.map((tensor) => after(tensor, dy));
        return gradientsOf(() => valueFor(again), again.slice(0, floats.length), dy);
      },
    };
  })(...floats) as T;
}

let checkpointing = false;

/** Runs `run` so that what it marks as `checkpointed` is kept, or computed again. */
export function withCheckpointing<T>(on: boolean, run: () => T): T {
  const before = checkpointing;
  checkpointing = on;
  try {
    return run();
  } finally {
    checkpointing = before;
  }
}

/**
 * A part of a function, such as a layer, that is computed again where `compile` is told so (`gradientCheckpointing`), see
 * `recompute`; elsewhere `fn` as it is.
 */
export function checkpointed<Inputs, T extends tf.Tensor>(fn: (inputs: Inputs) => T, inputs: Inputs): T {
  return checkpointing ? recompute(fn, inputs) : fn(inputs);
}

const isFloat = (tensor: tf.Tensor) => tensor.dtype === 'float32';

function* tensorsIn(value: unknown): Generator<tf.Tensor> {
  if (value instanceof tf.Tensor) yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) yield* tensorsIn(child);
  }
}

function mapTensors(value: unknown, change: (tensor: tf.Tensor) => tf.Tensor): unknown {
  if (value instanceof tf.Tensor) return change(value);
  if (Array.isArray(value)) return value.map((child) => mapTensors(child, change));
  if (typeof value !== 'object' || value === null) return value;
  const changed = Object.entries(value).map(([name, child]) => [name, mapTensors(child, change)]);
  return Object.fromEntries(changed);
}

/**
 * The gradients of a value, zero where it has none. TensorFlow.js keeps one list of what it has to differentiate, and drops
 * it at the end of a gradient, although this one is taken inside of another that still needs it.
 */
function gradientsOf(value: () => tf.Tensor, by: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const engine = tf.engine();
  const { state } = engine as unknown as { state: { activeTape: unknown } };
  const outer = state.activeTape;
  try {
    const { grads } = engine.gradients(value, by, dy, true);
    return by.map((tensor, i) => (grads[i] as tf.Tensor | undefined) ?? tf.zerosLike(tensor));
  } finally {
    state.activeTape = outer;
  }
}

/**
 * `x`, but in a graph not before `signal` is known. What is computed from it is not merged with what is computed from `x`
 * itself, and comes later.
 */
export function after<T extends tf.Tensor>(x: T, signal: tf.Tensor): T {
  return fusedKernel('GramAfter', { x, signal }, {}, () => [x])[0] as T;
}
