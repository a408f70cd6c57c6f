import type { NDArray } from '../arrays/array.js';
import type { AnyArray, DeviceArray } from '../arrays/device-array.js';
import { EngineError } from '../error.js';
import type { Precision } from '../graph/graph-builder.js';
import type { Dimension } from '../onnx/model.js';
import type { Profile } from './profile.js';

/**
 * Where executables run. `cpu`, `webgpu` and `cuda` are ONNX Runtime's, which runs traced graphs;
 * `tensorflow` runs functions eagerly on TensorFlow's own library.
 */
export type DeviceName = 'cpu' | 'webgpu' | 'cuda' | 'tensorflow';

/** All devices, in the order in which `diagnose` lists them. */
export const deviceNames: readonly DeviceName[] = ['cpu', 'webgpu', 'cuda', 'tensorflow'];

/** A place to keep arrays and to run functions of them. */
export interface Device {
  readonly name: DeviceName;
  /** The array where the device keeps it; on the CPU the array itself. */
  place(array: NDArray): Promise<AnyArray>;
  /** Does what must not happen while the device runs something else, as making an executable is. */
  inTurn<T>(use: () => T): Promise<T>;
  /** Makes a function ready to run for inputs of given shapes. */
  prepare(program: Program): Executable;
}

/** A function with everything that is known before it runs. */
export interface Program {
  readonly fn: (inputs: never) => unknown;
  /** The tree of the inputs; leaves are their specs, with names for sizes that may differ from run to run. */
  readonly specs: unknown;
  /** Paths of inputs that never change, with their arrays. */
  readonly constants: ReadonlyMap<string, NDArray>;
  /** Top-level names whose results overwrite the inputs of the same path. */
  readonly inPlace: readonly string[];
  /** Top-level names whose results stay on the device. */
  readonly resident: readonly string[];
  /** The element type of matrix products. */
  readonly precision: Precision;
  /** Whether what is `checkpointed` is computed again for the gradient. */
  readonly gradientCheckpointing: boolean;
  readonly profile: boolean;
}

/** Inputs by path, constants left out. */
export type Inputs = ReadonlyMap<string, AnyArray>;

/** A function that is ready to run. */
export interface Executable {
  readonly info: ExecutableInfo;
  /**
   * Runs it. Results in place are written before the promise resolves and are not in the returned tree.
   *
   * @param sizes the value of each named size
   */
  run(inputs: Inputs, sizes: ReadonlyMap<string, number>, signal?: AbortSignal): Promise<unknown>;
  /** Ends profiling. */
  endProfile(): Profile;
  dispose(): void;
}

/** What is known of one executable. */
export interface ExecutableInfo {
  /** Nodes of the graph as traced; 0 where nothing is traced. */
  readonly nodes: number;
  /** Size of the encoded graph in bytes. */
  readonly bytes: number;
  /** Time to trace the function and to create the session, in seconds. */
  readonly seconds: { readonly trace: number; readonly create: number };
  /** Paths of in-place results that could not be written directly and are copied after each run. */
  readonly copied: readonly string[];
  /** Names of the sizes that may differ from run to run. */
  readonly dimensions: readonly string[];
}

/** The error for an array of another device. */
export function wrongDevice(path: string, array: DeviceArray, runsOn: DeviceName): EngineError {
  return new EngineError(
    'bad-array',
    `'${path}' lives on the device '${array.device}', the function runs on '${runsOn}'`,
    'read() it first, and place() it on the other device',
  );
}

/** The error for a precision that a device has not. */
export function wrongPrecision(precision: Precision, device: DeviceName, cause?: unknown): EngineError {
  return new EngineError(
    'bad-precision',
    `the device '${device}' has no matrix products in ${precision}`,
    "use 'float32' there; 'cuda' has 'bfloat16' and 'float16', 'webgpu' has 'float16' on most GPUs",
    { cause },
  );
}

interface Shaped {
  readonly dtype: string;
  readonly shape: readonly Dimension[];
}

/**
 * Checks that a result in place can take the place of an input.
 *
 * @throws EngineError `bad-state`
 */
export function checkTarget(path: string, result: Shaped, input: Shaped | undefined): void {
  if (input !== undefined && input.dtype === result.dtype && String(input.shape) === String(result.shape))
    return;
  const found = input === undefined ? 'no such input' : `an input ${input.dtype}[${input.shape}]`;
  throw new EngineError(
    'bad-state',
    `the result '${path}' is ${result.dtype}[${result.shape}], but there is ${found} to write it into`,
    'return arrays in place under the path, shape and element type of the input',
  );
}

/** The number that a size is. */
export function evaluateDimension(size: Dimension, sizes: ReadonlyMap<string, number>): number {
  if (typeof size === 'number') return size;
  return size.split('*').reduce((product, term) => product * (sizes.get(term) ?? Number(term)), 1);
}
