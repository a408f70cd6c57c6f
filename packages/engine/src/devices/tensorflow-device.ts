import * as tf from '@tensorflow/tfjs-core';
import { type DType, isNDArray, type NDArray } from '../arrays/array.js';
import { type AnyArray, DeviceArray, type Storage } from '../arrays/device-array.js';
import { flattenTree, isUnder, mapTree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import { withCheckpointing } from '../fused/recompute.js';
import { loadTensorFlow, tensorFlowBackend } from '../tensorflow/library.js';
import { isTraceSpec, withBackend } from '../trace/trace.js';
import {
  checkTarget,
  type Device,
  type Executable,
  type ExecutableInfo,
  type Inputs,
  type Program,
  wrongDevice,
  wrongPrecision,
} from './device.js';

/** TensorFlow's own library under TensorFlow.js: functions run eagerly, on the JavaScript thread. */
export async function openTensorFlow(): Promise<Device> {
  await loadTensorFlow();
  return {
    name: 'tensorflow',
    async place(array) {
      const tensor = withBackend(tensorFlowBackend, () => tensorOf(array));
      return new DeviceArray('tensorflow', array.dtype, array.shape, new TensorMemory(tensor));
    },
    inTurn: async (use) => use(),
    prepare: (program) => new EagerExecutable(program),
  };
}

/** TensorFlow.js has no 8-bit integers. */
export function tensorOf({ data, shape, dtype }: NDArray): tf.Tensor {
  if (dtype === 'int8' || dtype === 'uint8') return tf.tensor(Int32Array.from(data), [...shape], 'int32');
  return tf.tensor(data as Float32Array, [...shape], dtype);
}

/** A tensor that outlives the call that made it; freed when it is disposed or collected. */
class TensorMemory implements Storage {
  private static readonly collected = new FinalizationRegistry<tf.Tensor>((tensor) => tensor.dispose());

  constructor(readonly tensor: tf.Tensor) {
    tf.keep(tensor);
    TensorMemory.collected.register(this, tensor, this);
  }

  async read(into: NDArray): Promise<void> {
    into.data.set(await this.tensor.data());
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

  async run(inputs: Inputs): Promise<unknown> {
    return withBackend(tensorFlowBackend, () => {
      tf.engine().startScope('gram-eager');
      try {
        return this.evaluate(inputs);
      } finally {
        tf.engine().endScope();
      }
    });
  }

  private evaluate(inputs: Inputs): unknown {
    const { fn, specs, inPlace, resident, gradientCheckpointing } = this.program;
    const given = mapTree(specs, isTraceSpec, (_spec, path) => asTensor(path, inputs.get(path)!));
    const result = withCheckpointing(gradientCheckpointing, () => fn(given as never)) as object;
    const updates = new Map<AnyArray, tf.Tensor>();
    for (const [path, tensor] of flattenTree(result, isTensor)) {
      if (inPlace.some((root) => isUnder(path, root))) updates.set(target(path, inputs, tensor), tensor);
    }
    // All values are taken before the first array is written.
    const written = [...updates].map(([array, tensor]) => [
      array,
      isNDArray(array) ? tensor.dataSync() : memoryOf(tensor),
    ]);
    for (const [array, value] of written) {
      if (array instanceof DeviceArray) array.replace(value as TensorMemory);
      else (array as NDArray).data.set(value as Float32Array);
    }
    const returned = Object.entries(result).filter(([name]) => !inPlace.includes(name));
    return mapTree(Object.fromEntries(returned), isTensor, (tensor, path): AnyArray => {
      const { shape } = tensor;
      const dtype = tensor.dtype as DType;
      if (resident.some((root) => isUnder(path, root))) {
        return new DeviceArray('tensorflow', dtype, shape, memoryOf(tensor));
      }
      return { dtype, shape, data: tensor.dataSync() as Float32Array } as NDArray;
    });
  }

  endProfile(): never {
    throw new EngineError(
      'bad-state',
      "functions are not traced on 'tensorflow', so there is no profile of their operations",
      "profile on 'cpu', 'webgpu' or 'cuda', or with tf.profile()",
    );
  }

  dispose(): void {}
}

/** A result may be an input or be returned twice: each array gets a tensor of its own. */
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
