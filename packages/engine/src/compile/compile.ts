import type * as tf from '@tensorflow/tfjs-core';
import type { NDArray } from '../arrays/array.js';
import { type AnyArray, DeviceArray, isArray } from '../arrays/device-array.js';
import { flattenTree, isUnder, mapTree, type Tree } from '../arrays/tree.js';
import type { Device, DeviceName, Executable, ExecutableInfo, Program } from '../devices/device.js';
import { matrixRate } from '../devices/fastest.js';
import { openDevice } from '../devices/open.js';
import { type Profile, type ProfileReport, summarize } from '../devices/profile.js';
import { EngineError } from '../error.js';
import type { GraphTarget, Precision } from '../graph/graph-builder.js';
import { isTraceSpec } from '../trace/trace.js';
import { nameSizes, type SpecTree } from './named-sizes.js';

/** The tree of arrays that comes back for a tree of tensors. */
export type Arrays<T> = T extends tf.Tensor ? NDArray : { readonly [K in keyof T]: Arrays<T[K]> };

/** The tree of arrays, in host memory or on the device, that a function of a tree of tensors is called with. */
export type ArrayInputs<T> = T extends tf.Tensor ? AnyArray : { readonly [K in keyof T]: ArrayInputs<T[K]> };

/** Results under resident names may live on the device. */
export type Results<O, InPlace extends string, Resident extends string> = {
  readonly [K in Exclude<keyof O, InPlace>]: K extends Resident ? ArrayInputs<O[K]> : Arrays<O[K]>;
};

/** Options of `compile`. */
export interface CompileOptions<InPlace extends string, Resident extends string> {
  /** Where to run; `auto` is `cuda` or `webgpu` where one multiplies at least twice as fast as `cpu`. @default 'cpu' */
  readonly device?: DeviceName | 'auto';
  /**
   * Top-level names of the argument whose arrays the result of the same name overwrites. They are
   * not among the outputs of a call. Until it has ended, no other call may use them.
   */
  readonly inPlace?: readonly InPlace[];
  /** Top-level names of results that stay on the device, to be inputs of other calls. On `cpu` that is host memory. */
  readonly resident?: readonly Resident[];
  /**
   * Top-level names of inputs that never change, such as the weights of a model that is only used. The runtime
   * packs them once, which makes products with few rows about twice as fast and takes their size in memory again.
   * Every call must pass the same arrays.
   */
  readonly constants?: readonly string[];
  /**
   * Names for the sizes that differ from call to call, by path: `{ tokens: ['B', 'T'] }`, null for one that is
   * fixed; a path stands for everything below it. One executable then serves all of them. A function whose graph
   * depends on their values gets one executable for each set of shapes, as it does without this option.
   */
  readonly dimensions?: Readonly<Record<string, readonly (string | null)[]>>;
  /**
   * The element type that matrix products read and write; everything else stays float32, as do inputs and outputs.
   * `cuda` has `bfloat16` and `float16`, `webgpu` has `float16` where the GPU has it, the others have neither. The
   * values of `float16` end at 65504 and lose digits below 0.00006. @default 'float32'
   */
  readonly precision?: Precision | undefined;
  /** Computes what is `checkpointed` again for the gradient, instead of keeping it. @default false */
  readonly gradientCheckpointing?: boolean | undefined;
  /** Executables kept, one for each set of input shapes; the one unused longest goes first. @default 16 */
  readonly maxExecutables?: number;
  /** Measure every operation, for `profile()`. */
  readonly profile?: boolean;
}

/** Options of a call. */
export interface RunOptions {
  /** Cancels the run between two operations; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A compiled function. Call it with trees of arrays. */
export interface Compiled<I, O, InPlace extends string, Resident extends string> {
  /**
   * Runs the function, off the JavaScript thread on all devices but `tensorflow`. Several calls may run at once.
   * When a call fails or is cancelled, arrays that it updates in place on the CPU may be half written.
   *
   * @returns the outputs that are not written in place.
   * @throws EngineError `bad-precision` where the device lacks it; for bad arrays, kernels without a mapping and errors of the runtime; the signal's reason.
   */
  (inputs: I, options?: RunOptions): Promise<Results<O, InPlace, Resident>>;
  /** Shapes compiled so far, and the outputs that had to be copied into place after a run. */
  readonly executables: readonly ExecutableInfo[];
  /** Why one executable can not serve all shapes, although their sizes have names. */
  readonly fixedShapes: string | undefined;
  /**
   * What the runs so far spent their time on, and how that compares with what the device can do, which is
   * measured. Ends profiling.
   *
   * @throws EngineError `bad-state` without the option `profile`
   */
  profile(): Promise<ProfileReport>;
  /**
   * Frees all executables.
   *
   * @throws EngineError `bad-state` while a call has not ended; nothing is freed then
   */
  dispose(): void;
}

/** Arrays that a call which has not ended writes to. */
const beingWritten = new WeakSet<AnyArray>();

/**
 * Makes a native executable of a pure TensorFlow.js function.
 *
 * The function is traced once for each set of input shapes: it must compute with tensors only, and
 * everything that changes between calls must be an input. Gradients (`tf.grads`,
 * `tf.valueAndGrads`) are part of the trace. On `tensorflow` it runs as it is, at each call.
 *
 * @example
 * const step = compile(
 *   ({ w, x, y }: { w: tf.Tensor2D; x: tf.Tensor2D; y: tf.Tensor2D }) => {
 *     const loss = (w: tf.Tensor2D) => tf.matMul(x, w).sub(y).square().mean().asScalar();
 *     const { value, grad } = tf.valueAndGrad(loss)(w);
 *     return { w: w.sub(grad.mul(0.1)), loss: value };
 *   },
 *   { inPlace: ['w'] },
 * );
 * const { loss } = await step({ w, x, y }); // w now holds the new weights
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
  const { device: deviceName = 'cpu', inPlace = [], resident = [], profile = false } = options;
  const { constants: frozen = [], dimensions, maxExecutables = 16 } = options;
  const { precision = 'float32', gradientCheckpointing = false } = options;
  const cache = new Map<string, Executable>();
  /** How many calls run an executable, or are about to. */
  const users = new Map<Executable, number>();
  const profiles: Profile[] = [];
  /** Placed by the first call; others that run at the same time wait for it. */
  let constants: Promise<Constants> | undefined;
  /** Set when the graph turned out to depend on the value of a named size. */
  let fixedShapes: string | undefined;

  const isFrozen = (path: string) => frozen.some((root) => isUnder(path, root));

  /** The executable for inputs of these shapes, and the value of each named size. */
  function executableFor(device: Device, specs: SpecTree, host: ReadonlyMap<string, NDArray>): Executable {
    const key = [...flattenTree(specs, isTraceSpec)]
      .filter(([path]) => !isFrozen(path))
      .map(([path, { dtype, shape }]) => `${path}:${dtype}[${shape}]`)
      .join(' ');
    const known = cache.get(key);
    const executable =
      known ??
      device.prepare({
        ...{ fn, specs, constants: host, inPlace, resident, profile, precision, gradientCheckpointing },
      } satisfies Program);
    users.set(executable, (users.get(executable) ?? 0) + 1);
    // Insertion order is order of use.
    cache.delete(key);
    cache.set(key, executable);
    if (cache.size > maxExecutables) {
      // One that is running stays: the next call makes room.
      const oldest = [...cache].find(([, each]) => !users.has(each));
      if (oldest !== undefined) {
        if (profile) profiles.push(oldest[1].endProfile());
        oldest[1].dispose();
        cache.delete(oldest[0]);
      }
    }
    return executable;
  }

  function prepared(device: Device, inputs: unknown, host: ReadonlyMap<string, NDArray>) {
    if (dimensions !== undefined && fixedShapes === undefined) {
      const { specs, sizes } = nameSizes(inputs, dimensions);
      try {
        return { executable: executableFor(device, specs, host), sizes };
      } catch (error) {
        if (!(error instanceof EngineError && error.code === 'fixed-shape')) throw error;
        fixedShapes = error.message;
      }
    }
    const { specs, sizes } = nameSizes(inputs, {});
    return { executable: executableFor(device, specs, host), sizes };
  }

  let calls = 0;

  async function call(inputs: ArrayInputs<T>, runOptions?: RunOptions) {
    calls++;
    try {
      return await run(inputs, runOptions);
    } finally {
      calls--;
    }
  }

  async function run(inputs: ArrayInputs<T>, { signal }: RunOptions = {}) {
    signal?.throwIfAborted();
    const arrays = flattenTree(inputs, isArray);
    const device = await openDevice(deviceName);
    if (constants === undefined) {
      constants = placeConstants(device, new Map([...arrays].filter(([path]) => isFrozen(path))));
      // The next call tries again.
      constants.catch(() => {
        constants = undefined;
      });
    }
    const { given, host } = await constants;
    checkConstants(given, arrays);
    const { executable, sizes } = await device.inTurn(() => prepared(device, inputs, host));
    try {
      return await runOn(executable, arrays, await constants, sizes, signal);
    } finally {
      const others = users.get(executable)! - 1;
      if (others > 0) users.set(executable, others);
      else users.delete(executable);
    }
  }

  async function runOn(
    executable: Executable,
    arrays: ReadonlyMap<string, AnyArray>,
    { host, placed }: Constants,
    sizes: ReadonlyMap<string, number>,
    signal: AbortSignal | undefined,
  ) {
    const feeds = new Map<string, AnyArray>();
    for (const [path, array] of arrays) {
      if (!host.has(path)) feeds.set(path, placed.get(path) ?? array);
    }
    const targets = [...feeds].filter(([path]) => inPlace.some((root) => isUnder(path, root)));
    for (const [path, array] of feeds) {
      if (!beingWritten.has(array)) continue;
      throw new EngineError(
        'bad-state',
        `'${path}' is still being written by a call that has not ended`,
        'await calls that update an array in place before you use it',
      );
    }
    for (const [, array] of targets) beingWritten.add(array);
    try {
      return (await executable.run(feeds, sizes, signal)) as Results<O, InPlace, Resident>;
    } finally {
      for (const [, array] of targets) beingWritten.delete(array);
    }
  }

  // Not Object.assign, which would read the getter once.
  return Object.defineProperties(call, {
    executables: { get: () => [...cache.values()].map(({ info }) => info) },
    fixedShapes: { get: () => fixedShapes },
    profile: {
      value: async () => {
        if (!profile)
          throw new EngineError('bad-state', 'nothing was measured', 'compile with profile: true');
        for (const executable of cache.values()) {
          profiles.push(executable.endProfile());
          executable.dispose();
        }
        cache.clear();
        const { name } = await openDevice(deviceName);
        return summarize(profiles, await matrixRate(name as GraphTarget));
      },
    },
    dispose: {
      value: () => {
        if (calls > 0) {
          throw new EngineError(
            'bad-state',
            'the function is still running',
            'await its calls before you dispose it',
          );
        }
        for (const executable of cache.values()) executable.dispose();
        cache.clear();
        const free = ({ placed }: Constants) => {
          for (const array of placed.values()) array.dispose();
        };
        constants?.then(free, () => {});
        constants = undefined;
      },
    },
  }) as unknown as Compiled<ArrayInputs<T>, O, InPlace, Resident>;
}

/** Inputs that never change: as they were given, and where the device has them. */
interface Constants {
  readonly given: ReadonlyMap<string, AnyArray>;
  /** Those that a session of the CPU reads from host memory. */
  readonly host: ReadonlyMap<string, NDArray>;
  /** Copies that live on an accelerator. */
  readonly placed: ReadonlyMap<string, DeviceArray>;
}

async function placeConstants(device: Device, given: ReadonlyMap<string, AnyArray>): Promise<Constants> {
  const host = new Map<string, NDArray>();
  const placed = new Map<string, DeviceArray>();
  for (const [path, array] of given) {
    if (array instanceof DeviceArray) continue;
    const there = await device.place(array);
    if (there instanceof DeviceArray) placed.set(path, there);
    else host.set(path, there);
  }
  return { given, host, placed };
}

function checkConstants(given: ReadonlyMap<string, AnyArray>, arrays: ReadonlyMap<string, AnyArray>): void {
  for (const [path, array] of given) {
    if (arrays.get(path) === array) continue;
    throw new EngineError(
      'bad-state',
      `'${path}' is another array than in the first call, but was declared constant`,
      'pass the same arrays at each call, or compile the function again for other ones',
    );
  }
}

/**
 * Copies a tree of arrays to where a device keeps them, so that they stay there between calls. On the CPU
 * that is host memory: the arrays come back as they are.
 *
 * @throws EngineError `device-unavailable`
 */
export async function place<T extends object>(tree: T, device: DeviceName | 'auto'): Promise<T> {
  const opened = await openDevice(device);
  const there = new Map<string, AnyArray>();
  for (const [path, array] of flattenTree(tree, isArray)) {
    there.set(path, array instanceof DeviceArray ? array : await opened.place(array));
  }
  return mapTree(tree, isArray, (_array, path) => there.get(path)!) as T;
}

/** Copies the arrays of a tree that live on a device to host memory; others come back as they are. */
export async function read(tree: object): Promise<Tree<NDArray>> {
  const here = new Map<string, NDArray>();
  for (const [path, array] of flattenTree(tree, isArray)) {
    here.set(path, array instanceof DeviceArray ? await array.read() : array);
  }
  return mapTree(tree, isArray, (_array, path) => here.get(path)!);
}
