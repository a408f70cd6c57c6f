import type { NDArray } from '../arrays/array.js';
import type { AnyArray, DeviceArray, DeviceName } from '../arrays/device-array.js';
import type { Tree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import type { Precision } from '../graph/target.js';
import type { Dimension } from '../onnx/model.js';
import type { SpecTree } from '../trace/spec.js';
import type { Profile } from './profile.js';

/** A device: it keeps arrays and runs functions of them. */
export interface Device {
  readonly name: DeviceName;
  /** Copies an array to where the device keeps it. On the CPU that is the array itself. */
  place(array: NDArray): Promise<AnyArray>;
  /** Runs `use` while the device runs nothing else, as is needed to make an executable. */
  inTurn<T>(use: () => T): Promise<T>;
  /** Prepares a function for inputs of given shapes. */
  prepare(program: Program): Executable;
}

/** A function, with everything that is known before it runs. */
export interface Program {
  readonly fn: (inputs: never) => unknown;
  /** Specs of the inputs, with names for sizes that may differ from run to run. */
  readonly specs: SpecTree;
  /** Paths of inputs that never change, with their arrays. */
  readonly constants: ReadonlyMap<string, AnyArray>;
  /** Whether the CPU packs them before the first run. */
  readonly prepack: boolean;
  /** Top-level names whose results overwrite the inputs of the same path. */
  readonly inPlace: readonly string[];
  /** Top-level names whose results stay on the device. */
  readonly resident: readonly string[];
  /** Paths of the results of each part, in the order in which parts are computed. None for a function in one part. */
  readonly parts: readonly (readonly string[])[];
  /** Element type of matrix products. */
  readonly precision: Precision;
  /** Computes what is `checkpointed` again for the gradient. */
  readonly gradientCheckpointing: boolean;
  /** Measures every operation. */
  readonly profile: boolean;
}

/** Inputs by path, without the constants. */
export type Inputs = ReadonlyMap<string, AnyArray>;

/** A function that is ready to run. */
export interface Executable {
  readonly info: ExecutableInfo;
  /**
   * Runs the function. Results in place are written before the promise resolves and are not in the returned tree.
   *
   * @param sizes value of each named size
   */
  run(
    inputs: Inputs,
    sizes: ReadonlyMap<string, number>,
    options?: ExecutableRunOptions,
  ): Promise<Tree<AnyArray>>;
  /** Ends profiling and gives what was measured, for each part. */
  endProfiles(): readonly Profile[];
  dispose(): void;
}

/** Options of a run. */
export interface ExecutableRunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of each part when its results are there, while the next one is computed. */
  readonly onPart?: ((part: number) => void) | undefined;
}

/** Facts about one executable. */
export interface ExecutableInfo {
  /** Number of nodes of the traced graph; 0 where nothing is traced. */
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

/** Makes the error for an array of another device. */
export function wrongDevice(path: string, array: DeviceArray, runsOn: DeviceName): EngineError {
  return new EngineError(
    'bad-array',
    `'${path}' lives on the device '${array.device}', the function runs on '${runsOn}'`,
    'read() it first, and place() it on the other device',
  );
}

/** Makes the error for a profile of a function that is not traced. */
export function noProfile(): EngineError {
  return new EngineError(
    'bad-state',
    "functions are not traced on 'tensorflow', so there is no profile of their operations",
    "profile on 'cpu', 'webgpu' or 'cuda', or with tf.profile()",
  );
}

/** Makes the error for a precision that a device lacks. */
export function wrongPrecision(precision: Precision, device: DeviceName, cause?: unknown): EngineError {
  return new EngineError(
    'bad-precision',
    `the device '${device}' has no matrix products in ${precision}`,
    "use 'float32' there; 'cuda' has 'tf32', 'bfloat16' and 'float16', 'webgpu' has 'float16' on most GPUs",
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
 * @throws {EngineError} `bad-state`
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

/** Evaluates a size, such as `2*B*T`, for values of the named sizes. */
export function evaluateDimension(size: Dimension, sizes: ReadonlyMap<string, number>): number {
  if (typeof size === 'number') return size;
  return size.split('*').reduce((product, term) => product * (sizes.get(term) ?? Number(term)), 1);
}
