import type * as tf from '@tensorflow/tfjs-core';
import type { NDArray } from '../arrays/array.js';
import { type AnyArray, type DeviceName, isArray } from '../arrays/device-array.js';
import { flattenTree, isUnder } from '../arrays/tree.js';
import {
  type Device,
  type Executable,
  type ExecutableInfo,
  noProfile,
  type Program,
} from '../devices/device.js';
import { matrixRate } from '../devices/fastest.js';
import { openDevice } from '../devices/open.js';
import { type ProfileReport, summarize } from '../devices/profile.js';
import { EngineError } from '../error.js';
import type { Precision } from '../graph/target.js';
import { type Constants, checkConstants, disposeConstants, placeConstants } from './constants.js';
import { Executables } from './executables.js';
import { nameSizes, type SizeNames } from './named-sizes.js';

/** The tree of arrays that is returned for a tree of tensors. */
export type Arrays<T> = T extends tf.Tensor ? NDArray : { readonly [K in keyof T]: Arrays<T[K]> };

/** The tree of arrays, in host memory or on the device, that a function of a tree of tensors is called with. */
export type ArrayInputs<T> = T extends tf.Tensor ? AnyArray : { readonly [K in keyof T]: ArrayInputs<T[K]> };

/** The tree of results of a call. Those under resident names may live on the device. */
export type Results<O, InPlace extends string, Resident extends string> = {
  readonly [K in Exclude<keyof O, InPlace>]: K extends Resident ? ArrayInputs<O[K]> : Arrays<O[K]>;
};

/** Options of `compile`. */
export interface CompileOptions<InPlace extends string, Resident extends string> {
  /**
   * Device that runs the function. `auto` is `cuda` or `webgpu` where one multiplies at least twice as fast as `cpu`, and
   * `cpu` elsewhere. @default 'cpu'
   */
  readonly device?: DeviceName | 'auto';
  /**
   * Top-level names of the argument whose arrays are overwritten by the result of the same name. They are not among the
   * outputs of a call, and no other call may use them until it has ended.
   */
  readonly inPlace?: readonly InPlace[];
  /** Top-level names of results that stay on the device, as inputs of other calls. On `cpu` that is host memory. */
  readonly resident?: readonly Resident[];
  /**
   * Top-level names of inputs that never change, such as the weights of a model that is not trained. The runtime packs
   * them once, which makes products with few rows about twice as fast and takes their size in memory a second time.
   * Every call must pass the same arrays.
   */
  readonly constants?: readonly string[];
  /**
   * Whether the CPU packs constants before the first call. False is for a function that is called once or twice: the first call starts
   * 0.3 s sooner for 135 million float32 weights, and last digits of results are others, because each product reads the weights as they
   * are. Matrices in blocks of integers are then converted to float32 at each call. @default true
   */
  readonly prepack?: boolean | undefined;
  /**
   * Names of the sizes that differ from call to call, by path: `{ tokens: ['B', 'T'] }`, with null for a size that is
   * fixed. A path stands for everything below it. One executable then serves all sizes. A function whose graph depends on
   * their values gets one executable for each set of shapes, as it does without this option.
   */
  readonly dimensions?: SizeNames;
  /**
   * Precision of matrix products: the element type that they read and write, or `tf32`, which rounds the factors of float32
   * products to 10 bits of mantissa. Everything else stays float32, as do inputs and outputs. `cuda` has `tf32`, `bfloat16`
   * and `float16`, `webgpu` has `float16` where the GPU has it, and the others have none. Values of `float16` end at 65504
   * and lose digits below 0.00006. @default 'float32'
   */
  readonly precision?: Precision | undefined;
  /** Computes what is `checkpointed` again for the gradient instead of keeping it. @default false */
  readonly gradientCheckpointing?: boolean | undefined;
  /**
   * Paths of results that are computed one group after the other; a path stands for everything below it. `onPart` of a call then
   * gets the results of a group while the next is computed. Results that none names come with the first group. What later
   * groups need of the work for earlier ones is kept and not computed again. @default all results are computed together
   */
  readonly parts?: readonly (readonly string[])[] | undefined;
  /** Number of executables that are kept, one for each set of input shapes. The one unused longest goes first. @default 16 */
  readonly maxExecutables?: number;
  /** Measures every operation, for `profile()`. @default false */
  readonly profile?: boolean;
}

/** Options of a call. */
export interface RunOptions {
  /** Cancels the run between two operations. The call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the number of each group in `parts`, from 0, when its results in place are written, while the next group is computed;
   * once for a function without `parts`.
   */
  readonly onPart?: ((part: number) => void) | undefined;
}

/** A compiled function, which is called with trees of arrays. */
export interface Compiled<I, O, InPlace extends string, Resident extends string> {
  /**
   * Runs the function, off the JavaScript thread on all devices but `tensorflow`. Several calls may run at once.
   * When a call fails or is cancelled, arrays that it updates in place on `cpu` and `cuda` may be half written.
   *
   * @returns the outputs that are not written in place.
   * @throws {EngineError} `bad-precision` where the device lacks it, `bad-array`, `bad-tree` and `bad-state` for arguments
   *   that do not fit, `unmapped-kernel`, `out-of-memory`, `runtime`
   * @throws the signal's reason
   */
  (inputs: I, options?: RunOptions): Promise<Results<O, InPlace, Resident>>;
  /** Facts about each executable, such as the outputs that have to be copied into place after a run. */
  readonly executables: readonly ExecutableInfo[];
  /** The reason why one executable cannot serve all shapes although their sizes have names. */
  readonly fixedShapes: string | undefined;
  /**
   * Gives the time of each operation in the runs so far, beside what the device can do, which is measured. Ends profiling.
   *
   * @throws {EngineError} `bad-state` without the option `profile`
   */
  profile(): Promise<ProfileReport>;
  /**
   * Frees all executables.
   *
   * @throws {EngineError} `bad-state` while a call has not ended; nothing is freed then
   */
  dispose(): void;
}

/**
 * Makes a native executable of a pure TensorFlow.js function.
 *
 * The function is traced once for each set of input shapes: it must compute with tensors only, and everything that
 * changes between calls must be an input. Gradients (`tf.grads`, `tf.valueAndGrads`) are part of the trace. On the device
 * `tensorflow` the function runs as it is, at each call.
 *
 * @example
 * ```ts
 * const step = compile(
 *   ({ w, x, y }: { w: tf.Tensor2D; x: tf.Tensor2D; y: tf.Tensor2D }) => {
 *     const loss = (w: tf.Tensor2D) => tf.matMul(x, w).sub(y).square().mean().asScalar();
 *     const { value, grad } = tf.valueAndGrad(loss)(w);
 *     return { w: w.sub(grad.mul(0.1)), loss: value };
 *   },
 *   { inPlace: ['w'] },
 * );
 * const { loss } = await step({ w, x, y }); // w now holds the new weights
 * ```
 */
export function compile<
  T extends object,
  O extends object,
  const InPlace extends string = never,
  const Resident extends string = never,
>(
  fn: (inputs: T) => O,
  options: CompileOptions<InPlace, Resident> = {},
): Compiled<ArrayInputs<T>, O, InPlace, Resident> {
  const compiled = new CompiledFunction(fn, options);
  const call = (inputs: ArrayInputs<T>, runOptions?: RunOptions) => compiled.call(inputs, runOptions);
  // Not Object.assign, which would read the getters once.
  return Object.defineProperties(call, {
    executables: { get: () => compiled.infos },
    fixedShapes: { get: () => compiled.fixedShapes },
    profile: { value: () => compiled.profile() },
    dispose: { value: () => compiled.dispose() },
    // The type of the function has what the descriptors add.
  }) as unknown as Compiled<ArrayInputs<T>, O, InPlace, Resident>;
}

const NO_NAMES: SizeNames = {};

/** Arrays that a call which has not ended writes to. */
const beingWritten = new WeakSet<AnyArray>();

/** The state behind a compiled function. */
class CompiledFunction {
  /** The reason why one executable cannot serve all shapes. */
  fixedShapes: string | undefined;
  private readonly deviceName: DeviceName | 'auto';
  private readonly constantNames: readonly string[];
  private readonly dimensions: SizeNames | undefined;
  private readonly program: Omit<Program, 'specs' | 'constants'>;
  private readonly executables: Executables;
  /** Values of the named sizes of constants. */
  private readonly fixedSizes = new Map<SizeNames, ReadonlyMap<string, number>>();
  /** Placed by the first call. Others that run at the same time wait for it. */
  private constants: Promise<Constants> | undefined;
  private calls = 0;

  constructor(fn: Program['fn'], options: CompileOptions<string, string>) {
    const { inPlace = [], resident = [], precision = 'float32', profile = false } = options;
    const { gradientCheckpointing = false, constants = [], prepack = true } = options;
    const { maxExecutables = 16, parts = [] } = options;
    this.deviceName = options.device ?? 'cpu';
    this.dimensions = options.dimensions;
    this.constantNames = constants;
    this.program = { fn, prepack, inPlace, resident, parts, precision, profile, gradientCheckpointing };
    this.executables = new Executables(maxExecutables, profile);
  }

  get infos(): readonly ExecutableInfo[] {
    return this.executables.infos;
  }

  async call(inputs: unknown, options?: RunOptions): Promise<unknown> {
    this.calls++;
    try {
      return await this.run(inputs, options);
    } finally {
      this.calls--;
    }
  }

  private async run(inputs: unknown, { signal, onPart }: RunOptions = {}): Promise<unknown> {
    signal?.throwIfAborted();
    const { fixed, others } = this.parted(inputs);
    const arrays = flattenTree(others, isArray);
    const device = await openDevice(this.deviceName);
    const constants = await this.placedConstants(device, fixed);
    checkConstants(constants, fixed);
    const { executable, sizes } = await device.inTurn(() => this.prepare(device, inputs, constants));
    try {
      const feeds = new Map<string, AnyArray>([...constants.fed, ...arrays]);
      return await this.write(feeds, () => executable.run(feeds, sizes, { signal, onPart }));
    } finally {
      this.executables.release(executable);
    }
  }

  /** Parts the inputs of a call in those that never change, and the others. */
  private parted(inputs: unknown): { readonly fixed: object; readonly others: unknown } {
    if (this.constantNames.length === 0 || typeof inputs !== 'object' || inputs === null)
      return { fixed: {}, others: inputs };
    const entries = Object.entries(inputs);
    const isFixed = ([name]: readonly [string, unknown]) => this.constantNames.includes(name);
    return {
      fixed: Object.fromEntries(entries.filter(isFixed)),
      others: Object.fromEntries(entries.filter((entry) => !isFixed(entry))),
    };
  }

  private placedConstants(device: Device, fixed: object): Promise<Constants> {
    if (this.constants === undefined) {
      this.constants = placeConstants(device, flattenTree(fixed, isArray));
      // The next call tries again.
      this.constants.catch(() => {
        this.constants = undefined;
      });
    }
    return this.constants;
  }

  /** The executable for inputs of these shapes, and the value of each named size. */
  private prepare(
    device: Device,
    inputs: unknown,
    { host }: Constants,
  ): { executable: Executable; sizes: ReadonlyMap<string, number> } {
    const { fixed, others } = this.parted(inputs);
    const acquire = (names: SizeNames) => {
      // The shapes of constants are the same at each call.
      const known = this.fixedSizes.get(names) ?? nameSizes(fixed, names).sizes;
      this.fixedSizes.set(names, known);
      const { specs, sizes } = nameSizes(others, names, known);
      const programOf = (): Program => ({
        ...this.program,
        specs: nameSizes(inputs, names).specs,
        constants: host,
      });
      return { executable: this.executables.acquire(device, specs, programOf), sizes };
    };
    if (this.dimensions !== undefined && this.fixedShapes === undefined) {
      try {
        return acquire(this.dimensions);
      } catch (error) {
        if (!(error instanceof EngineError && error.code === 'fixed-shape')) throw error;
        this.fixedShapes = error.message;
      }
    }
    return acquire(NO_NAMES);
  }

  /** Runs while no other call may use the arrays that are updated in place. */
  private async write(feeds: ReadonlyMap<string, AnyArray>, run: () => Promise<unknown>): Promise<unknown> {
    for (const [path, array] of feeds) {
      if (!beingWritten.has(array)) continue;
      throw new EngineError(
        'bad-state',
        `'${path}' is still being written by a call that has not ended`,
        'await calls that update an array in place before you use it',
      );
    }
    const targets = [...feeds].filter(([path]) => isUnder(path, this.program.inPlace));
    for (const [, array] of targets) beingWritten.add(array);
    try {
      return await run();
    } finally {
      for (const [, array] of targets) beingWritten.delete(array);
    }
  }

  async profile(): Promise<ProfileReport> {
    if (!this.program.profile) {
      throw new EngineError('bad-state', 'nothing was measured', 'compile with profile: true');
    }
    const profiles = this.executables.endProfiles();
    const { name } = await openDevice(this.deviceName);
    if (name === 'tensorflow') throw noProfile();
    return summarize(profiles, await matrixRate(name));
  }

  dispose(): void {
    if (this.calls > 0) {
      throw new EngineError(
        'bad-state',
        'the function is still running',
        'await its calls before you dispose it',
      );
    }
    this.executables.dispose();
    this.constants?.then(disposeConstants, () => {});
    this.constants = undefined;
  }
}
