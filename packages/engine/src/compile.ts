import type * as tf from '@tensorflow/tfjs';
import { canWriteInPlace } from './aliasing.js';
import { isNDArray, type NDArray, sizeOf } from './array.js';
import { EngineError } from './error.js';
import { encodeModel } from './onnx/model.js';
import { Session } from './onnxruntime/runtime.js';
import { outputPrefix, type Traced, trace } from './trace/trace.js';
import { flattenTree, isUnder, mapTree } from './tree.js';

/** The tree of arrays that comes back for a tree of tensors. */
export type Arrays<T> = T extends tf.Tensor ? NDArray : { readonly [K in keyof T]: Arrays<T[K]> };

/** Where executables run. `cpu` is ONNX Runtime's CPU provider. */
export type DeviceName = 'cpu';

/** Options of `compile`. */
export interface CompileOptions<InPlace extends string> {
  /** Where to run. @default 'cpu' */
  readonly device?: DeviceName;
  /**
   * Top-level names of the argument whose arrays the result of the same name overwrites. They are
   * not among the outputs of a call.
   */
  readonly inPlace?: readonly InPlace[];
  /** Executables kept, one for each set of input shapes; the one unused longest goes first. @default 16 */
  readonly maxExecutables?: number;
  /** Write an ONNX Runtime profile of each executable, when it is disposed, to files that start with this path. */
  readonly profile?: string;
}

/** A compiled function. Call it with trees of arrays. */
export interface Compiled<I, O, InPlace extends string> {
  /**
   * Runs the function, off the JavaScript thread.
   *
   * @returns the outputs that are not written in place.
   * @throws EngineError for bad arrays, kernels without a mapping and errors of the runtime.
   */
  (inputs: I): Promise<Omit<Arrays<O>, InPlace>>;
  /** Shapes compiled so far, and the outputs that had to be copied into place after a run. */
  readonly executables: readonly ExecutableInfo[];
  /** Frees all executables. */
  dispose(): void;
}

/** What is known of one executable. */
export interface ExecutableInfo {
  /** Nodes of the graph as traced. */
  readonly nodes: number;
  /** Size of the encoded graph in bytes. */
  readonly bytes: number;
  /** Time to trace the function and to create the session, in seconds. */
  readonly seconds: { readonly trace: number; readonly create: number };
  /** Paths of in-place results that could not be written directly and are copied after each run. */
  readonly copied: readonly string[];
}

interface Executable {
  readonly info: ExecutableInfo;
  readonly session: Session;
  readonly traced: Traced;
  readonly inputNames: ReadonlySet<string>;
}

/**
 * Makes a native executable of a pure TensorFlow.js function.
 *
 * The function is traced once for each set of input shapes: it must compute with tensors only, and
 * everything that changes between calls must be an input. Gradients (`tf.grads`,
 * `tf.valueAndGrads`) are part of the trace.
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
 * const { loss } = await step({ w, x, y }); // w.data now holds the new weights
 */
export function compile<T extends object, O extends object, const InPlace extends string = never>(
  fn: (inputs: T) => O,
  { device = 'cpu', inPlace = [], maxExecutables = 16, profile }: CompileOptions<InPlace> = {},
): Compiled<Arrays<T>, O, InPlace> {
  if (device !== 'cpu') {
    throw new EngineError('unknown-device', `there is no device '${String(device)}'`, "use 'cpu'");
  }
  const cache = new Map<string, Executable>();

  const executableFor = (inputs: Arrays<T>, arrays: ReadonlyMap<string, NDArray>): Executable => {
    const key = [...arrays].map(([path, { dtype, shape }]) => `${path}:${dtype}[${shape}]`).join(' ');
    const known = cache.get(key);
    const executable = known ?? build(fn as (inputs: never) => unknown, inputs, inPlace, profile);
    // Insertion order is order of use.
    cache.delete(key);
    cache.set(key, executable);
    if (cache.size > maxExecutables) {
      // One that is running stays: the next call makes room.
      const oldest = [...cache].find(([, each]) => each !== executable && !each.session.busy);
      if (oldest !== undefined) {
        oldest[1].session.dispose();
        cache.delete(oldest[0]);
      }
    }
    return executable;
  };

  const call = async (inputs: Arrays<T>): Promise<Omit<Arrays<O>, InPlace>> => {
    const arrays = flattenTree(inputs, isNDArray);
    const { session, traced, inputNames, info } = executableFor(inputs, arrays);
    const feeds = new Map([...arrays].filter(([path]) => inputNames.has(path)));
    const results = new Map<string, NDArray>();
    for (const { name, shape, type } of traced.graph.outputs) {
      const path = name.slice(outputPrefix.length);
      const target = inPlace.some((root) => isUnder(path, root)) ? arrays.get(path) : undefined;
      results.set(name, target !== undefined && !info.copied.includes(path) ? target : empty(shape, type));
    }
    await session.run(feeds, results);
    for (const path of info.copied) {
      const target = arrays.get(path)?.data as Float32Array;
      target.set(results.get(outputPrefix + path)?.data as Float32Array);
    }
    const outputs = Object.entries(traced.outputs as object).filter(
      ([name]) => !inPlace.includes(name as InPlace),
    );
    return mapTree(Object.fromEntries(outputs), isPath, (path) => results.get(outputPrefix + path)!) as never;
  };

  // Not Object.assign, which would read the getter once.
  return Object.defineProperties(call, {
    executables: { get: () => [...cache.values()].map(({ info }) => info) },
    dispose: {
      value: () => {
        for (const { session } of cache.values()) session.dispose();
        cache.clear();
      },
    },
  }) as unknown as Compiled<Arrays<T>, O, InPlace>;
}

const isPath = (value: unknown): value is string => typeof value === 'string';

function empty(shape: readonly number[], type: string): NDArray {
  const size = sizeOf(shape);
  if (type === 'float32') return { dtype: 'float32', shape, data: new Float32Array(size) };
  if (type === 'int32') return { dtype: 'int32', shape, data: new Int32Array(size) };
  return { dtype: 'bool', shape, data: new Uint8Array(size) };
}

function build(
  fn: (inputs: never) => unknown,
  inputs: unknown,
  inPlace: readonly string[],
  profile: string | undefined,
): Executable {
  const started = performance.now();
  const traced = trace(
    fn,
    mapTree(inputs, isNDArray, ({ dtype, shape }) => ({ dtype, shape })),
  );
  const tracedAt = performance.now();
  checkInPlace(traced, inputs, inPlace);
  const copied = traced.graph.outputs
    .map(({ name }) => name.slice(outputPrefix.length))
    .filter((path) => inPlace.some((root) => isUnder(path, root)))
    .filter((path) => !canWriteInPlace(traced.graph, path, outputPrefix + path));
  const model = encodeModel(traced.graph);
  const session = new Session(model, profile);
  const done = performance.now();
  return {
    session,
    traced,
    inputNames: new Set(traced.graph.inputs.map(({ name }) => name)),
    info: {
      nodes: traced.graph.nodes.length,
      bytes: model.length,
      seconds: { trace: (tracedAt - started) / 1000, create: (done - tracedAt) / 1000 },
      copied,
    },
  };
}

function checkInPlace({ graph }: Traced, inputs: unknown, inPlace: readonly string[]): void {
  const arrays = flattenTree(inputs, isNDArray);
  for (const { name, shape, type } of graph.outputs) {
    const path = name.slice(outputPrefix.length);
    if (!inPlace.some((root) => isUnder(path, root))) continue;
    const array = arrays.get(path);
    if (array === undefined || array.dtype !== type || String(array.shape) !== String(shape)) {
      const found = array === undefined ? 'no such input' : `an input ${array.dtype}[${array.shape}]`;
      throw new EngineError(
        'bad-state',
        `the result '${path}' is ${type}[${shape}], but there is ${found} to write it into`,
        'return arrays in place under the path, shape and element type of the input',
      );
    }
  }
}
