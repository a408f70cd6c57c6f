import type * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder, Value } from '../graph/graph-builder.js';
import { type GraphType, onnxTypes } from '../onnx/model.js';

/** One call of a TensorFlow.js kernel, as its mapping receives it. */
export interface KernelCall {
  readonly graph: GraphBuilder;
  /** Inputs under the names that TensorFlow.js gives them; the inputs of a list are named 0, 1, 2 ... */
  readonly inputs: Readonly<Record<string, Value>>;
  readonly attributes: tf.NamedAttrMap;
}

/** Appends the ONNX nodes of one TensorFlow.js kernel and returns its result. */
export type KernelMapping = (call: KernelCall) => Value | Value[];

/** Mappings by the name of the TensorFlow.js kernel. */
export type KernelTable = Readonly<Record<string, KernelMapping>>;

/** Gives the input `name`, which the contract of the kernel requires. */
export function input(call: KernelCall, name: string): Value {
  const value = call.inputs[name];
  if (value === undefined) throw new Error(`the kernel was called without its input '${name}'`);
  return value;
}

/** Gives the attribute `name` with the type that the contract of the kernel states. */
export function attribute<T>(call: KernelCall, name: string): T {
  return call.attributes[name] as T;
}

/** Gives the size of an axis of a value. Negative axes count from the last one. */
export function sizeAt({ name, shape }: Value, axis: number): number {
  const size = shape.at(axis);
  if (size === undefined) throw new Error(`'${name}' has the shape [${shape}] and no axis ${axis}`);
  return size;
}

/** Turns a possibly negative axis into an index. */
export function normalizeAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Computes the shape of an elementwise result by NumPy's broadcasting rules. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    return left === 1 ? right : left;
  });
}

/** Reshapes a value, without a node when nothing changes. */
export function reshape(graph: GraphBuilder, value: Value, shape: readonly number[]): Value {
  if (shape.length === value.shape.length && shape.every((dim, i) => dim === value.shape[i])) return value;
  return graph.node('Reshape', [value, graph.int64(shape)], shape, value.dtype);
}

/** Casts a value, without a node when nothing changes. */
export function cast(graph: GraphBuilder, value: Value, dtype: GraphType): Value {
  if (value.dtype === dtype) return value;
  return graph.node('Cast', [value], value.shape, dtype, { attributes: { to: { int: onnxTypes[dtype] } } });
}
