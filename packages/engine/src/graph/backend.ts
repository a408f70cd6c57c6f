import { randomUUID } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../error.js';
import type { GraphBuilder, Value } from './graph-builder.js';

/**
 * Name under which the recording backend is registered with TensorFlow.js. The registry is global, so two copies of this
 * package in one process need names of their own.
 */
export const TRACE_BACKEND = `gram-trace-${randomUUID()}`;

interface Entry {
  readonly value: Value;
  /** Values of a constant, which TensorFlow.js may read while it builds an operation. */
  readonly constant?: tf.BackendValues;
}

/** Names the operation that TensorFlow.js is executing, such as `tf.einsum`, for messages. */
export function activeOp(): string {
  // Operations run in a scope named after them, such as 'einsum__op'. The types hide the scopes.
  const { state } = tf.engine() as unknown as { state: { scopeStack: { name?: string }[] } };
  const scope = state.scopeStack.findLast(({ name }) => name?.endsWith('__op'));
  return scope?.name === undefined ? 'a kernel call' : `tf.${scope.name.slice(0, -'__op'.length)}`;
}

/** A backend of TensorFlow.js that computes nothing: each kernel appends nodes to a graph. */
export class TraceBackend extends tf.KernelBackend {
  private entries = new WeakMap<object, Entry>();
  private builder: GraphBuilder | undefined;

  /** The graph that is being recorded. */
  get graph(): GraphBuilder {
    if (this.builder === undefined) {
      throw new EngineError(
        'traced-value-read',
        `${activeOp()} ran on the tracing backend outside of a trace`,
        'call tf.setBackend() before you use TensorFlow.js eagerly',
      );
    }
    return this.builder;
  }

  /** Runs `record` with kernels appending to `builder`. */
  recording<T>(builder: GraphBuilder, record: () => T): T {
    if (this.builder !== undefined) {
      throw new EngineError(
        'bad-state',
        'a trace was started inside a trace',
        'call compiled functions outside of traced ones',
      );
    }
    this.builder = builder;
    this.entries = new WeakMap();
    try {
      return record();
    } finally {
      this.builder = undefined;
    }
  }

  /** Makes the tensor that a kernel returns to TensorFlow.js for a value of the graph. */
  tensorInfo(value: Value): tf.TensorInfo {
    const dataId = {};
    this.entries.set(dataId, { value });
    // TensorFlow.js knows fewer types than a graph.
    const dtype = value.dtype === 'float32' || value.dtype === 'bool' ? value.dtype : 'int32';
    return { dataId, shape: [...value.shape], dtype };
  }

  /** Finds the value of the graph behind a tensor. */
  value(tensor: tf.TensorInfo): Value {
    const entry = this.entries.get(tensor.dataId);
    if (entry === undefined) {
      throw new EngineError(
        'bad-state',
        `${activeOp()} was given a tensor that was made outside of the traced function`,
        'pass it to the function as an input, or make it inside',
      );
    }
    // A tensor may share the data of another under a different shape.
    return { ...entry.value, shape: tensor.shape };
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.move(dataId, values, shape, dtype);
    return dataId;
  }

  override move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType): void {
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
      throw new EngineError(
        'bad-array',
        `${activeOp()} made a ${dtype} tensor`,
        'use float32, int32 or bool',
      );
    }
    const value = this.graph.constant(values as ArrayLike<number>, shape, dtype);
    this.entries.set(dataId, { value, constant: values });
  }

  override readSync(dataId: object): tf.BackendValues {
    const constant = this.entries.get(dataId)?.constant;
    if (constant === undefined) {
      throw new EngineError(
        'traced-value-read',
        `${activeOp()} reads the values of a traced tensor, which has none yet`,
        'compute with tensors only; return the value as an output to read it',
      );
    }
    return constant;
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(): boolean {
    return true;
  }

  override incRef(): void {}

  override refCount(): number {
    return 1;
  }

  override numDataIds(): number {
    return 0;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override epsilon(): number {
    return 1e-7;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }
}
