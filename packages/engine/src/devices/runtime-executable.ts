import { basename, dirname } from 'node:path';
import {
  type ArraySpec,
  bytesPerElement,
  emptyArray,
  isNDArray,
  type NDArray,
  sizeOf,
} from '../arrays/array.js';
import { type AnyArray, DeviceArray, type DeviceName } from '../arrays/device-array.js';
import { type ArrayFile, fileOf } from '../arrays/file-array.js';
import { flattenTree, isUnder, mapPaths, type Tree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import type { GraphTarget, Precision } from '../graph/target.js';
import { inPlaceTest } from '../onnx/aliasing.js';
import { checkGraph } from '../onnx/check-graph.js';
import { type ConstantSource, withConstants } from '../onnx/constants.js';
import { encodeModel, type GraphModel } from '../onnx/model.js';
import { makeRoom, trim } from '../onnxruntime/arena.js';
import { int8Kernel } from '../onnxruntime/int8-kernel.js';
import type { Provider } from '../onnxruntime/provider.js';
import {
  type Handles,
  HostMemory,
  NewMemory,
  openSession,
  Session,
  type SessionOptions,
} from '../onnxruntime/session.js';
import { handleOf, releasePages } from '../onnxruntime/values.js';
import { isTraceSpec } from '../trace/spec.js';
import { OUTPUT_PREFIX, type Traced, trace } from '../trace/trace.js';
import {
  checkTarget,
  type Executable,
  type ExecutableInfo,
  evaluateDimension,
  type Inputs,
  noProfile,
  type Program,
  wrongDevice,
  wrongPrecision,
} from './device.js';
import { type Profile, readProfile, temporaryProfile } from './profile.js';
import { ProviderMemory } from './provider-memory.js';

/**
 * Element types that each device multiplies. The CPU is asked for float32 only: it has no products in half precision, and
 * leaves out the rounding between casts there and back.
 */
const PRECISIONS: Readonly<Record<GraphTarget, readonly Precision[]>> = {
  cpu: ['float32'],
  webgpu: ['float32', 'float16'],
  cuda: ['float32', 'tf32', 'float16', 'bfloat16'],
};

/** A constant without bytes of its own must name a file. The runtime takes the array that the session gives it. */
const HELD_IN_MEMORY = { location: 'in-memory', offset: 0 };

/** Returns the file and the offset at which the runtime finds the values of a constant. */
function sourceOf(array: AnyArray): ConstantSource {
  const stored = fileOf(array);
  return stored === undefined
    ? HELD_IN_MEMORY
    : { location: basename(stored.file.path), offset: stored.offset };
}

/** The files of constants, which are still as they were. */
function checkedFiles(constants: Iterable<AnyArray>): readonly ArrayFile[] {
  const files = new Set([...constants].flatMap((array) => fileOf(array)?.file ?? []));
  for (const file of files) file.check();
  return [...files];
}

/** An output of the graph, and what becomes of it. */
interface Output {
  /** Name in the graph. */
  readonly name: string;
  readonly path: string;
  readonly use: 'in-place' | 'resident' | 'returned';
  /** The sizes of the output when the named sizes have these values. */
  specFor(sizes: ReadonlyMap<string, number>): ArraySpec;
}

/** Host arrays and memory that a run writes to, by name of the output and by path. */
interface Targets {
  readonly handles: Handles;
  readonly arrays: ReadonlyMap<string, NDArray>;
}

/** A traced function as a session of ONNX Runtime. */
export class RuntimeExecutable implements Executable {
  readonly info: ExecutableInfo;
  /** Undefined until it is made, where that takes long. */
  private session: Session | undefined;
  private readonly opening: Promise<Session>;
  private readonly traced: Traced;
  private readonly inputNames: ReadonlySet<string>;
  private readonly outputs: readonly Output[];
  /** Paths of results that a device writes into the memory of the input. */
  private readonly writesInPlace: ReadonlySet<string>;

  /**
   * @param provider the accelerator; undefined on the CPU
   * @param packed container of packed constants, which executables of the CPU share; it lives as long as they do
   */
  constructor(
    device: GraphTarget,
    private readonly provider: Provider | undefined,
    private readonly program: Program,
    private readonly packed: { readonly container: unknown } | undefined,
  ) {
    const started = performance.now();
    const { fn, specs, precision, gradientCheckpointing } = program;
    if (!PRECISIONS[device].includes(precision)) throw wrongPrecision(precision, device);
    // WebGPU has no 8-bit products: the runtime computes those on the CPU. Graphs for CUDA have none.
    const options = { target: device, precision, gradientCheckpointing, int8Kernel: int8Kernel() };
    this.traced = trace(fn, specs, options);
    const tracedAt = performance.now();
    checkGraph(this.traced.graph);
    this.outputs = outputsOf(this.traced.graph, program);
    const constants = provider === undefined ? program.constants : new Map<string, AnyArray>();
    const sources = new Map([...constants].map(([path, array]) => [path, sourceOf(array)] as const));
    const files = checkedFiles(constants.values());
    const graph = withConstants(this.traced.graph, sources);
    const model = encodeModel(graph);
    const initializers = new Set(graph.initializers.map(({ name }) => name));
    const used = [...constants].filter(([path]) => initializers.has(path));
    const settings = {
      provider,
      tf32: precision === 'tf32',
      constants: new Map(used.filter((entry): entry is [string, NDArray] => isNDArray(entry[1]))),
      files: files[0] && {
        folder: dirname(files[0].path),
        arrays: new Map(used.filter((entry): entry is [string, DeviceArray] => !isNDArray(entry[1]))),
      },
      prepacked: this.packed?.container,
      profilePrefix: program.profile ? temporaryProfile() : undefined,
    };
    if (files.length === 0 || program.profile) {
      this.session = new Session(model, settings);
      this.opening = Promise.resolve(this.session);
    } else {
      this.opening = this.open(model, settings, files);
      // Runs report it.
      this.opening.catch(() => {});
    }
    this.inputNames = new Set(graph.inputs.map(({ name }) => name));
    const inputSizes = this.traced.graph.inputs.flatMap(({ shape }) => shape);
    const copied = copiedOutputs(this.traced.graph, this.outputs);
    const updated = this.outputs.filter(({ use, path }) => use === 'in-place' && !copied.includes(path));
    // A kernel of WebGPU cannot read and write one buffer.
    this.writesInPlace = new Set(device === 'cuda' ? updated.map(({ path }) => path) : []);
    this.info = {
      nodes: graph.nodes.length,
      bytes: model.length,
      seconds: { trace: (tracedAt - started) / 1000, create: (performance.now() - tracedAt) / 1000 },
      copied: provider === undefined ? copied : [],
      dimensions: [...new Set(inputSizes.filter((size) => typeof size === 'string'))],
    };
  }

  /** Makes the session in the background. What was packed of a file is given back at once, so that it is not there twice. */
  private async open(
    model: Uint8Array,
    settings: SessionOptions,
    files: readonly ArrayFile[],
  ): Promise<Session> {
    const giveBack = () => {
      for (const file of files) releasePages(file);
    };
    const session = await openSession(model, settings, giveBack);
    giveBack();
    trim();
    this.session = session;
    return session;
  }

  async run(
    inputs: Inputs,
    sizes: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<Tree<AnyArray>> {
    const feeds = new Map<string, unknown>();
    for (const [path, array] of inputs) {
      if (this.inputNames.has(path)) feeds.set(path, this.feed(path, array));
    }
    const targets = this.targets(inputs, sizes);
    if (this.provider === undefined) await makeRoom(this.traced.peakBytes ?? 0);
    // The runtime works in the arrays' own memory: `inputs` and `targets` are still used after the run, so that nothing of
    // it is collected before.
    const session = await this.opening;
    const made = await session.run(feeds, targets.handles, { signal }).catch((error) => {
      throw this.explained(error, inputs, targets.arrays);
    });
    const arrays = new Map<string, AnyArray>(targets.arrays);
    if (this.provider !== undefined) this.takeOver(this.provider, made, { inputs, sizes, arrays });
    for (const path of this.info.copied) {
      const [target, result] = [inputs.get(path), targets.arrays.get(path)];
      if (isNDArray(target) && result !== undefined) target.data.set(result.data);
    }
    const returned = Object.entries(this.traced.outputs).filter(
      ([name]) => !this.program.inPlace.includes(name),
    );
    return mapPaths(Object.fromEntries(returned), isPath, arrays);
  }

  /** Where each output is written: in an input, in a new host array, or in new memory of the device. */
  private targets(inputs: Inputs, sizes: ReadonlyMap<string, number>): Targets {
    const arrays = new Map<string, NDArray>();
    const handles = new Map<string, unknown>();
    for (const { name, path, use, specFor } of this.outputs) {
      const given = use === 'in-place' ? inputs.get(path) : undefined;
      if (given instanceof DeviceArray && this.writesInPlace.has(path)) {
        handles.set(name, this.feed(path, given));
        continue;
      }
      if (this.provider !== undefined && (use === 'resident' || given instanceof DeviceArray)) {
        handles.set(name, new NewMemory(specFor(sizes)));
        continue;
      }
      const isDirect = isNDArray(given) && !this.info.copied.includes(path);
      const array = isDirect ? given : emptyArray(specFor(sizes));
      arrays.set(path, array);
      handles.set(name, handleOf(array));
    }
    return { handles, arrays };
  }

  /** Makes arrays of the memory that a run filled: updated inputs take it, other results are added to `arrays`. */
  private takeOver(
    provider: Provider,
    made: Handles,
    {
      inputs,
      sizes,
      arrays,
    }: { inputs: Inputs; sizes: ReadonlyMap<string, number>; arrays: Map<string, AnyArray> },
  ): void {
    for (const { name, path, use, specFor } of this.outputs) {
      const handle = made.get(name);
      if (handle === undefined) continue;
      const memory = new ProviderMemory(provider, handle);
      const given = inputs.get(path);
      if (use === 'in-place' && given instanceof DeviceArray) {
        given.replace(memory);
      } else {
        const { dtype, shape } = specFor(sizes);
        arrays.set(path, new DeviceArray(this.deviceName, dtype, shape, memory));
      }
    }
  }

  private get deviceName(): DeviceName {
    return this.provider?.deviceName ?? 'cpu';
  }

  private feed(path: string, array: AnyArray): unknown {
    if (!(array instanceof DeviceArray)) {
      const handle = handleOf(array);
      return this.provider === undefined ? handle : new HostMemory(handle);
    }
    if (fileOf(array) !== undefined) {
      throw new EngineError(
        'bad-array',
        `the values of '${path}' are in a file`,
        'declare the input constant, or read() it first',
      );
    }
    if (array.device === this.deviceName && array.storage instanceof ProviderMemory)
      return array.storage.handle;
    throw wrongDevice(path, array, this.deviceName);
  }

  /** Says how much memory a run needs that had too little, and what a GPU without 16-bit arithmetic lacks. */
  private explained(error: unknown, inputs: Inputs, results: ReadonlyMap<string, NDArray>): unknown {
    if (!(error instanceof EngineError)) return error;
    // WebGPU makes a kernel when it is first run, and only then sees that its GPU cannot run it.
    if (error.message.includes('requires f16')) {
      return wrongPrecision(this.program.precision, this.deviceName, error);
    }
    if (error.code !== 'out-of-memory') return error;
    const { peakBytes } = this.traced;
    const parts = [
      `arrays that go in ${inMegabytes(bytesOf(inputs.values()))}`,
      `arrays that come out ${inMegabytes(bytesOf(results.values()))}`,
      ...(peakBytes === undefined ? [] : [`results in between about ${inMegabytes(peakBytes)}`]),
    ];
    return new EngineError(
      'out-of-memory',
      `not enough memory on '${this.deviceName}' for this run: ${parts.join(', ')} (${error.message})`,
      'use smaller batches or shorter sequences, or recompute() parts of the function',
      { cause: error },
    );
  }

  endProfile(): Profile {
    // One that is profiled is made at once.
    if (this.session === undefined) throw noProfile();
    return readProfile(this.session.endProfile());
  }

  dispose(): void {
    if (this.session !== undefined) this.session.dispose();
    else
      void this.opening.then(
        (session) => session.dispose(),
        () => {},
      );
  }
}

/** The outputs of a graph, checked against the inputs that they overwrite. */
function outputsOf(graph: GraphModel, { specs, inPlace, resident }: Program): Output[] {
  const inputs = flattenTree(specs, isTraceSpec);
  return graph.outputs.map(({ name, type, shape }) => {
    const path = name.slice(OUTPUT_PREFIX.length);
    const use = isUnder(path, inPlace) ? 'in-place' : isUnder(path, resident) ? 'resident' : 'returned';
    if (use === 'in-place') checkTarget(path, { shape, dtype: type }, inputs.get(path));
    // A function of tensors returns tensors, which have the element types of arrays.
    const dtype = type as ArraySpec['dtype'];
    const specFor = (sizes: ReadonlyMap<string, number>) => ({
      dtype,
      shape: shape.map((size) => evaluateDimension(size, sizes)),
    });
    return { name, path, use, specFor };
  });
}

/** Paths of the results that cannot be written straight into the input that they overwrite. */
function copiedOutputs(graph: GraphModel, outputs: readonly Output[]): string[] {
  const canWrite = inPlaceTest(graph);
  return outputs
    .filter(({ use, path, name }) => use === 'in-place' && !canWrite(path, name))
    .map(({ path }) => path);
}

const isPath = (value: unknown): value is string => typeof value === 'string';

function bytesOf(arrays: Iterable<ArraySpec>): number {
  return [...arrays].reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * bytesPerElement[dtype], 0);
}

const inMegabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
