import * as tf from '@tensorflow/tfjs-core';
import type { DType, NDArray } from '../arrays/array.js';
import { type AnyArray, DeviceArray, type Storage } from '../arrays/device-array.js';
import { at, flattenTree, isUnder, mapTree, type Tree } from '../arrays/tree.js';
import { withCheckpointing } from '../fused/recompute.js';
import { withBackend } from '../tensorflow/backend.js';
import { loadTensorFlow, TENSORFLOW_BACKEND } from '../tensorflow/library.js';
import { isTraceSpec } from '../trace/spec.js';
import {
  checkTarget,
  type Device,
  type Executable,
  type ExecutableInfo,
  type ExecutableRunOptions,
  type Inputs,
  noProfile,
  type Program,
  wrongDevice,
  wrongPrecision,
} from './device.js';

/** Opens the device on which TensorFlow's own library runs functions eagerly, on the JavaScript thread. */
export async function openTensorFlow(): Promise<Device> {
  await loadTensorFlow();
  return {
    name: 'tensorflow',
    async place(array) {
      const tensor = withBackend(TENSORFLOW_BACKEND, () => tensorOf(array));
      return new DeviceArray('tensorflow', array.dtype, array.shape, new TensorMemory(tensor));
    },
    inTurn: async (use) => use(),
    prepare: (program) => new EagerExecutable(program),
  };
}

/** Makes a tensor of a host array. TensorFlow.js has no 8-bit integers: they become int32. */
export function tensorOf({ data, shape, dtype }: NDArray): tf.Tensor {
  if (dtype === 'int8' || dtype === 'uint8') return tf.tensor(Int32Array.from(data), [...shape], 'int32');
  return tf.tensor(data as Float32Array, [...shape], dtype);
}

/** A tensor that outlives the call that made it, and is freed when it is disposed or collected. */
class TensorMemory implements Storage {
  private static readonly collected = new FinalizationRegistry<tf.Tensor>((tensor) => tensor.dispose());

  constructor(public tensor: tf.Tensor) {
    tf.keep(tensor);
    TensorMemory.collected.register(this, tensor, this);
  }

  async read(into: NDArray): Promise<void> {
    into.data.set(await this.tensor.data());
  }

  async write(from: NDArray): Promise<void> {
    this.dispose();
    this.tensor = tf.keep(withBackend(TENSORFLOW_BACKEND, () => tensorOf(from)));
    TensorMemory.collected.register(this, this.tensor, this);
  }

  dispose(): void {
    TensorMemory.collected.unregister(this);
    this.tensor.dispose();
  }
}

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor;

class EagerExecutable implements Executable {
  readonly info: ExecutableInfo = {
    nodes: 0,
    bytes: 0,
    seconds: { trace: 0, create: 0 },
    copied: [],
    dimensions: [],
  };

  constructor(private readonly program: Program) {
    if (program.precision !== 'float32') throw wrongPrecision(program.precision, 'tensorflow');
  }

  async run(
    inputs: Inputs,
    _sizes: ReadonlyMap<string, number>,
    { onPart }: ExecutableRunOptions = {},
  ): Promise<Tree<AnyArray>> {
    const results = this.inScope(inputs);
    for (let part = 0; part < Math.max(1, this.program.parts.length); part++) onPart?.(part);
    return results;
  }

  private inScope(inputs: Inputs): Tree<AnyArray> {
    return withBackend(TENSORFLOW_BACKEND, () => {
      tf.engine().startScope('gram-eager');
      try {
        return this.evaluate(inputs);
      } finally {
        tf.engine().endScope();
      }
    });
  }

  private evaluate(inputs: Inputs): Tree<AnyArray> {
    const { fn, specs, inPlace, resident, gradientCheckpointing } = this.program;
    const given = mapTree(specs, isTraceSpec, (_spec, path) => asTensor(path, at(inputs, path)));
    const result = withCheckpointing(gradientCheckpointing, () => fn(given as never)) as object;
    const updates = new Map<AnyArray, tf.Tensor>();
    for (const [path, tensor] of flattenTree(result, isTensor)) {
      if (isUnder(path, inPlace)) updates.set(target(path, inputs, tensor), tensor);
    }
    // All values are taken before the first array is written.
    const writes = [...updates].map(([array, tensor]) => overwriting(array, tensor));
    for (const write of writes) write();
    const returned = Object.entries(result).filter(([name]) => !inPlace.includes(name));
    return mapTree(Object.fromEntries(returned), isTensor, (tensor, path): AnyArray => {
      const { shape } = tensor;
      const dtype = tensor.dtype as DType;
      if (isUnder(path, resident)) {
        return new DeviceArray('tensorflow', dtype, shape, memoryOf(tensor));
      }
      return { dtype, shape, data: tensor.dataSync() as Float32Array } as NDArray;
    });
  }

  endProfiles(): never {
    throw noProfile();
  }

  dispose(): void {}
}

/** Takes the value of a result. The function that is returned writes it into an array. */
function overwriting(array: AnyArray, result: tf.Tensor): () => void {
  if (array instanceof DeviceArray) {
    const memory = memoryOf(result);
    return () => array.replace(memory);
  }
  const values = result.dataSync();
  return () => array.data.set(values);
}

/** Makes memory with a tensor of its own, because a result may be an input or be returned twice. */
function memoryOf(tensor: tf.Tensor): TensorMemory {
  return new TensorMemory(tf.clone(tensor));
}

function asTensor(path: string, array: AnyArray): tf.Tensor {
  if (!(array instanceof DeviceArray)) return tensorOf(array);
  if (array.device === 'tensorflow') return (array.storage as TensorMemory).tensor;
  throw wrongDevice(path, array, 'tensorflow');
}

function target(path: string, inputs: Inputs, result: tf.Tensor): AnyArray {
  const array = inputs.get(path);
  checkTarget(path, result, array);
  return array as AnyArray;
}
