import { basename, dirname } from 'node:path';
import { type ArraySpec, emptyArray, isNDArray, type NDArray } from '../arrays/array.js';
import { type AnyArray, DeviceArray } from '../arrays/device-array.js';
import { type ArrayFile, fileOf } from '../arrays/file-array.js';
import { at, flattenTree, isUnder } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import { inPlaceTest } from '../onnx/aliasing.js';
import { type ConstantSource, withConstants } from '../onnx/constants.js';
import { type GatheredRows, withGatheredRows } from '../onnx/gathered-rows.js';
import { encodeModel, type GraphModel, type GraphType, type ValueInfo } from '../onnx/model.js';
import { allocateInArena, emptyArena, trim } from '../onnxruntime/arena.js';
import type { Provider } from '../onnxruntime/provider.js';
import {
  type Handles,
  HostMemory,
  NewMemory,
  openSession,
  Session,
  type SessionOptions,
} from '../onnxruntime/session.js';
import { handleOf, releasePages, type ValueSpec } from '../onnxruntime/values.js';
import { isTraceSpec } from '../trace/spec.js';
import { OUTPUT_PREFIX } from '../trace/trace.js';
import {
  checkTarget,
  evaluateDimension,
  type Inputs,
  noProfile,
  type Program,
  wrongDevice,
} from './device.js';
import { type Profile, readProfile, temporaryProfile } from './profile.js';
import { ProviderMemory } from './provider-memory.js';
import { largeTables, readRows } from './table-rows.js';

/** The device and the function that the parts of an executable belong to. */
export interface PartContext {
  /** The accelerator; undefined on the CPU. */
  readonly provider: Provider | undefined;
  readonly program: Program;
  /** Container of packed constants, which executables of the CPU share; it lives as long as they do. */
  readonly packed: { readonly container: unknown } | undefined;
  /** Shape and element type of each intermediate result, by name. */
  readonly values: ReadonlyMap<string, ValueInfo>;
}

/** Values of one run of a function, part by part. */
export interface PartRun {
  readonly inputs: Inputs;
  /** Value of each named size. */
  readonly sizes: Sizes;
  readonly signal: AbortSignal | undefined;
  /** Handles of the results of earlier parts that later ones read, by name. A part adds its own. */
  readonly between: Map<string, unknown>;
  /** Results by path. A part adds its own. */
  readonly results: Map<string, AnyArray>;
}

type Sizes = ReadonlyMap<string, number>;

/** A constant without bytes of its own must name a file. The runtime takes the array that the session gives it. */
const HELD_IN_MEMORY = { location: 'in-memory', offset: 0 };

/** Returns the file and the offset at which the runtime finds the values of a constant. */
function sourceOf(array: AnyArray): ConstantSource {
  const stored = fileOf(array);
  return stored === undefined
    ? HELD_IN_MEMORY
    : { location: basename(stored.file.path), offset: stored.offset };
}

/** Smallest encoded graph, in bytes, after whose compilation free memory is given back, which is 10 MB and more then. */
const LARGE_MODEL = 2 ** 17;

/** The files of constants, which are still as they were. */
function checkedFiles(constants: Iterable<AnyArray>): readonly ArrayFile[] {
  const files = new Set([...constants].flatMap((array) => fileOf(array)?.file ?? []));
  for (const file of files) file.check();
  return [...files];
}

/** An output of the function, and what becomes of it. */
interface Output {
  /** Name in the graph. */
  readonly name: string;
  readonly path: string;
  readonly use: 'in-place' | 'resident' | 'returned';
  /** The sizes of the output when the named sizes have these values. */
  specFor(sizes: Sizes): ArraySpec;
}

/** Host arrays and memory that a run writes to, by name of the output and by path. */
interface Targets {
  readonly handles: Handles;
  readonly arrays: ReadonlyMap<string, NDArray>;
}

/** A traced function, or a part of one, as a session of ONNX Runtime. */
export class RuntimePart {
  /** Paths of the results in place that have to be copied there after a run. */
  readonly copied: readonly string[];
  /** Size of the encoded graph in bytes. */
  readonly bytes: number;
  /** Names of everything that it reads but constants and rows of tables. */
  readonly inputNames: ReadonlySet<string>;
  private readonly rows: readonly GatheredRows[];
  private readonly constants: ReadonlyMap<string, AnyArray>;
  /** Undefined until it is made, where that takes long. */
  private session: Session | undefined;
  private readonly opening: Promise<Session>;
  private readonly outputs: readonly Output[];
  /** Outputs that later parts read. */
  private readonly between: readonly ValueInfo[];
  /** Paths of results that a device writes into the memory of the input. */
  private readonly writesInPlace: ReadonlySet<string>;
  private readonly provider: Provider | undefined;

  constructor(given: GraphModel, { provider, program, packed, values }: PartContext) {
    this.provider = provider;
    const constants = provider === undefined ? program.constants : new Map<string, AnyArray>();
    const { graph: traced, rows } = withGatheredRows(given, largeTables(constants), values);
    this.rows = rows;
    this.constants = constants;
    this.outputs = outputsOf(traced, program);
    this.between = traced.outputs.filter(({ name }) => !isOutput(name));
    const sources = new Map([...constants].map(([path, array]) => [path, sourceOf(array)] as const));
    const files = checkedFiles(constants.values());
    const graph = withConstants(traced, sources);
    const model = encodeModel(graph);
    const initializers = new Set(graph.initializers.map(({ name }) => name));
    const used = [...constants].filter(([path]) => initializers.has(path));
    const settings = {
      provider,
      tf32: program.precision === 'tf32',
      constants: new Map(used.filter((entry): entry is [string, NDArray] => isNDArray(entry[1]))),
      files: files[0] && {
        folder: dirname(files[0].path),
        arrays: new Map(used.filter((entry): entry is [string, DeviceArray] => !isNDArray(entry[1]))),
      },
      prepack: program.prepack,
      prepacked: packed?.container,
      profilePrefix: program.profile ? temporaryProfile() : undefined,
    };
    if (files.length === 0 || program.profile) {
      this.session = new Session(model, settings);
      if (model.length > LARGE_MODEL) trim();
      this.opening = Promise.resolve(this.session);
    } else {
      this.opening = this.open(model, settings, files);
      // Runs report it.
      this.opening.catch(() => {});
    }
    const read = new Set(rows.map(({ info }) => info.name));
    this.inputNames = new Set(graph.inputs.map(({ name }) => name).filter((name) => !read.has(name)));
    this.bytes = model.length;
    const copied = copiedOutputs(traced, this.outputs);
    const updated = this.outputs.filter(({ use, path }) => use === 'in-place' && !copied.includes(path));
    // A kernel of WebGPU cannot read and write one buffer.
    this.writesInPlace = new Set(provider?.name === 'cuda' ? updated.map(({ path }) => path) : []);
    this.copied = provider === undefined ? copied : [];
  }

  /** Paths of the results that overwrite inputs. */
  get overwritten(): readonly string[] {
    return this.outputs.filter(({ use }) => use === 'in-place').map(({ path }) => path);
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
    // Packing the head after a long prompt would otherwise come on top of what the prompt took.
    await emptyArena();
    const session = await openSession(model, settings, giveBack);
    giveBack();
    trim();
    this.session = session;
    return session;
  }

  /** Runs the part. Results in place are written before the promise resolves. */
  async run(run: PartRun): Promise<void> {
    const { inputs, signal, between, results } = run;
    const feeds = new Map<string, unknown>();
    for (const name of this.inputNames) {
      const array = inputs.get(name);
      feeds.set(name, array === undefined ? at(between, name) : this.feed(name, array));
    }
    const rows = readRows(this.rows, this.constants, run);
    for (const [name, array] of rows) feeds.set(name, handleOf(array));
    const targets = this.targets(run);
    for (const [path, array] of targets.arrays) results.set(path, array);
    // The runtime works in the arrays' own memory: `inputs`, `rows` and `targets` are still used after the run, so that nothing
    // of it is collected before.
    const session = await this.opening;
    const made = await session.run(feeds, targets.handles, { signal });
    rows.clear();
    if (this.provider !== undefined) this.takeOver(this.provider, made, run);
    for (const path of this.copied) {
      const [target, result] = [inputs.get(path), targets.arrays.get(path)];
      if (isNDArray(target) && result !== undefined) target.data.set(result.data);
    }
  }

  /** Chooses the memory that each output is written to: an input, a new host array, or new memory of the device. */
  private targets({ inputs, sizes, between }: PartRun): Targets {
    const arrays = new Map<string, NDArray>();
    const handles = new Map<string, unknown>();
    for (const { name, type, shape } of this.between) {
      const spec = specOf(type, shape, sizes);
      if (this.provider !== undefined) {
        handles.set(name, new NewMemory(spec));
        continue;
      }
      // Whoever runs all parts frees it, also after an error.
      const handle = allocateInArena(spec);
      between.set(name, handle);
      handles.set(name, handle);
    }
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
      const isDirect = isNDArray(given) && !this.copied.includes(path);
      const array = isDirect ? given : emptyArray(specFor(sizes));
      arrays.set(path, array);
      handles.set(name, handleOf(array));
    }
    return { handles, arrays };
  }

  /** Makes arrays of the memory that a run filled: updated inputs take it, the rest is added to the values of the run. */
  private takeOver(provider: Provider, made: Handles, run: PartRun): void {
    const { inputs, sizes, between, results } = run;
    for (const { name } of this.between) between.set(name, at(made, name));
    for (const { name, path, use, specFor } of this.outputs) {
      const handle = made.get(name);
      if (handle === undefined) continue;
      const memory = new ProviderMemory(provider, handle);
      const given = inputs.get(path);
      if (use === 'in-place' && given instanceof DeviceArray) {
        given.replace(memory);
      } else {
        const { dtype, shape } = specFor(sizes);
        results.set(path, new DeviceArray(provider.deviceName, dtype, shape, memory));
      }
    }
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
    const device = this.provider?.deviceName ?? 'cpu';
    if (array.device === device && array.storage instanceof ProviderMemory) return array.storage.handle;
    throw wrongDevice(path, array, device);
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

const isOutput = (name: string) => name.startsWith(OUTPUT_PREFIX);

/** The outputs of the function that a graph computes, checked against the inputs that they overwrite. */
function outputsOf(graph: GraphModel, { specs, inPlace, resident }: Program): Output[] {
  const inputs = flattenTree(specs, isTraceSpec);
  return graph.outputs
    .filter(({ name }) => isOutput(name))
    .map(({ name, type, shape }) => {
      const path = name.slice(OUTPUT_PREFIX.length);
      const use = isUnder(path, inPlace) ? 'in-place' : isUnder(path, resident) ? 'resident' : 'returned';
      if (use === 'in-place') checkTarget(path, { shape, dtype: type }, inputs.get(path));
      // A function of tensors returns tensors, which have the element types of arrays.
      const dtype = type as ArraySpec['dtype'];
      return { name, path, use, specFor: (sizes) => specOf(dtype, shape, sizes) };
    });
}

function specOf<D extends GraphType>(
  dtype: D,
  shape: ValueInfo['shape'],
  sizes: Sizes,
): ValueSpec & { dtype: D } {
  return { dtype, shape: shape.map((size) => evaluateDimension(size, sizes)) };
}

/** Paths of the results that cannot be written straight into the input that they overwrite. */
function copiedOutputs(graph: GraphModel, outputs: readonly Output[]): string[] {
  const canWrite = inPlaceTest(graph);
  return outputs
    .filter(({ use, path, name }) => use === 'in-place' && !canWrite(path, name))
    .map(({ path }) => path);
}
