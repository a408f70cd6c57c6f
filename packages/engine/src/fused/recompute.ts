import * as tf from '@tensorflow/tfjs-core';
import { at } from '../arrays/tree.js';
import { customGradient } from './custom-gradient.js';
import { fusedKernel } from './kernel.js';

/**
 * Computes the value of `fn` with gradient checkpointing (Chen et al. 2016): its intermediate results are not kept for the
 * gradient, but computed again when the gradient is. A graph repeats only what the gradient reads: a last product, for
 * example, is not computed again.
 *
 * @param fn a pure function of `inputs`; the gradient reaches nothing else that it uses
 * @param inputs a tensor, or tensors and plain values nested in objects and arrays
 */
export function recompute<Inputs, T extends tf.Tensor>(fn: (inputs: Inputs) => T, inputs: Inputs): T {
  const tensors = [...new Set(tensorsIn(inputs))];
  const [floats, others] = [tensors.filter(isFloat), tensors.filter((tensor) => !isFloat(tensor))];
  /** The value for tensors in the place of those of `inputs`. */
  const valueFor = (given: readonly tf.Tensor[]) => {
    const places = new Map([...floats, ...others].map((tensor, i) => [tensor, given[i] ?? tensor]));
    return fn(mapTensors(inputs, (tensor) => at(places, tensor)) as Inputs);
  };
  const withGradients = customGradient((variables: tf.Tensor[], save) => {
    const given = [...variables, ...others];
    save(given);
    return {
      value: valueFor(given),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const again = saved.map((tensor) => after(tensor, dy));
        return gradientsOf(() => valueFor(again), again.slice(0, floats.length), dy);
      },
    };
  });
  return withGradients(...floats) as T;
}

let checkpointing = false;

/** Runs `run` with or without checkpointing of what it marks as `checkpointed`. */
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
 * Computes a part of a function, such as a layer, with `recompute` where the option `gradientCheckpointing` of `compile` is
 * on, and as it is elsewhere.
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
 * Computes the gradients of a value, which are zero where it has none. TensorFlow.js keeps one list of what it has to
 * differentiate and drops it at the end of a gradient, although this one is taken inside of another that still needs it.
 */
function gradientsOf(value: () => tf.Tensor, by: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const engine = tf.engine();
  // The types hide the state.
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
 * Gives `x`, which a graph has only once `signal` is known. What is computed from the result comes later than what is computed
 * from `x` itself, and is not merged with it.
 */
export function after<T extends tf.Tensor>(x: T, signal: tf.Tensor): T {
  return fusedKernel('GramAfter', { x, signal }, {}, () => [x])[0] as T;
}
