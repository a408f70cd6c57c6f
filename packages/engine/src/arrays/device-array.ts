import { EngineError } from '../error.js';
import { type ArraySpec, type DType, emptyArray, isNDArray, type NDArray, sizeOf } from './array.js';

/** Names of all devices, in the order in which `diagnose` lists them. Of several GPUs `cuda` is the first one. */
export const deviceNames = ['cpu', 'webgpu', 'cuda', 'tensorflow'] as const;

/**
 * Name of a device. ONNX Runtime runs traced graphs on `cpu`, `webgpu` and `cuda`, and on `cuda:1` and so on where the process sees
 * several GPUs; `tensorflow` runs functions eagerly on TensorFlow's own library.
 */
export type DeviceName = (typeof deviceNames)[number] | `cuda:${number}`;

const ONE_OF_SEVERAL = /^cuda:(\d{1,3})$/;

/** Whether a text names a device. */
export function isDeviceName(text: string): text is DeviceName {
  return ONE_OF_SEVERAL.test(text) || deviceNames.some((name) => name === text);
}

/** The kind of a device, and its number among those of its kind. */
export function deviceIndex(name: DeviceName): {
  readonly kind: (typeof deviceNames)[number];
  readonly index: number;
} {
  const number = ONE_OF_SEVERAL.exec(name)?.[1];
  // Without a number it is the name of a kind.
  return number === undefined
    ? { kind: name as (typeof deviceNames)[number], index: 0 }
    : { kind: 'cuda', index: Number(number) };
}

/** Memory of a device that holds one array. */
export interface Storage {
  /** Copies the values to the host. */
  read(into: NDArray): Promise<void>;
  /** Copies values of the host here. Missing where the memory cannot be written. */
  write?(from: NDArray): Promise<void>;
  /** A part of the memory, as memory of an array. Missing where it cannot be had without a copy. */
  slice?(start: number, spec: ArraySpec): Storage;
  /** The address of the values; missing where the process does not know it. */
  address?(): bigint;
  dispose(): void;
}

/**
 * An array that lives where a device keeps it. Executables of that device read it there, and an update in place leaves it
 * there. `place` makes such arrays, and calls return them under the names in `resident`.
 */
export class DeviceArray<D extends DType = DType> implements ArraySpec {
  private memory: Storage | undefined;

  constructor(
    readonly device: DeviceName,
    readonly dtype: D,
    readonly shape: readonly number[],
    memory: Storage,
  ) {
    this.memory = memory;
  }

  /** The memory that holds the values now. */
  get storage(): Storage {
    if (this.memory === undefined) {
      throw new EngineError('disposed', 'the array was disposed', 'place its values again');
    }
    return this.memory;
  }

  /**
   * The address of the values in the memory of the device, for a library that computes there by itself; undefined on a device whose
   * memory has none. It is another one after `replace`.
   */
  get address(): bigint | undefined {
    return this.storage.address?.();
  }

  /** Replaces the memory by one with new values, and frees the old one. */
  replace(memory: Storage): void {
    this.memory?.dispose();
    this.memory = memory;
  }

  /** Copies the values to host memory. */
  async read(): Promise<NDArray<D>> {
    const array = emptyArray(this) as NDArray<D>;
    await this.storage.read(array);
    return array;
  }

  /**
   * Copies values of host memory into the array's own memory.
   *
   * @throws {EngineError} `bad-array` where the shape or the element type is another one, or the memory is read-only
   */
  async write(from: NDArray): Promise<void> {
    const { storage, dtype, shape } = this;
    if (storage.write !== undefined && from.dtype === dtype && String(from.shape) === String(shape))
      return storage.write(from);
    throw new EngineError(
      'bad-array',
      `${from.dtype}[${from.shape}] cannot be written into ${dtype}[${shape}] on the device '${this.device}'`,
      'write an array of the same shape and element type into one that was placed',
    );
  }

  /** Frees the device's memory, which is also freed when the array is collected. */
  dispose(): void {
    this.memory?.dispose();
    this.memory = undefined;
  }
}

/** An array in host memory or on a device. */
export type AnyArray<D extends DType = DType> = NDArray<D> | DeviceArray<D>;

/**
 * A range of the values of an array as an array of its own, in the same memory: what is written to one is read from the other.
 * It must not be used once the array was disposed.
 *
 * @param start number of values before it
 * @throws {EngineError} `bad-array` on `webgpu` and `tensorflow`, whose memory cannot be cut without a copy, and for a range
 *   that the array does not have
 */
export function sliceOf<D extends DType>(
  array: AnyArray<D>,
  start: number,
  shape: readonly number[],
): AnyArray<D> {
  const length = sizeOf(shape);
  if (!(start >= 0 && start + length <= sizeOf(array.shape))) {
    throw new EngineError(
      'bad-array',
      `an array of the shape [${array.shape}] has no ${length} values from ${start}`,
      'pass a range that it has',
    );
  }
  if (!(array instanceof DeviceArray)) {
    // A part of a typed array has its type.
    return { dtype: array.dtype, shape, data: array.data.subarray(start, start + length) } as NDArray<D>;
  }
  const { device, dtype, storage } = array;
  if (storage.slice === undefined) {
    throw new EngineError(
      'bad-array',
      `arrays on the device '${device}' cannot be cut`,
      "use 'cpu' or 'cuda', or whole arrays",
    );
  }
  return new DeviceArray(device, dtype, shape, storage.slice(start, { dtype, shape }));
}

/** Tells whether a value is an array, wherever it lives, rather than a tree of arrays. */
export function isArray(value: unknown): value is AnyArray {
  return value instanceof DeviceArray || isNDArray(value);
}
