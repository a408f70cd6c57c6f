import {
  type ArraySpec,
  bytesPerElement,
  emptyArray,
  isNDArray,
  type NDArray,
  sizeOf,
} from '../arrays/array.js';
import { type AnyArray, DeviceArray, type Storage } from '../arrays/device-array.js';
import { flattenTree, isUnder, mapTree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import type { GraphTarget, Precision } from '../graph/graph-builder.js';
import { canWriteInPlace } from '../onnx/aliasing.js';
import { checkGraph } from '../onnx/check-graph.js';
import { withConstants } from '../onnx/constants.js';
import { encodeModel, type ValueInfo } from '../onnx/model.js';
import { makeRoom } from '../onnxruntime/arena.js';
import { created, release } from '../onnxruntime/environment.js';
import { int8Kernel } from '../onnxruntime/int8-kernel.js';
import { Provider } from '../onnxruntime/provider.js';
import { NewMemory, Session } from '../onnxruntime/session.js';
import { handleOf } from '../onnxruntime/values.js';
import { isTraceSpec, outputPrefix, type Traced, trace } from '../trace/trace.js';
import {
  checkTarget,
  type Device,
  type Executable,
  type ExecutableInfo,
  evaluateDimension,
  type Inputs,
  type Program,
  wrongDevice,
  wrongPrecision,
} from './device.js';
import { type Profile, readProfile, temporaryProfile } from './profile.js';

/**
 * What each device multiplies. The CPU is asked for float32 only: it has no products in half precision, and leaves out the
 * rounding between casts there and back.
 */
const precisions: Readonly<Record<GraphTarget, readonly Precision[]>> = {
  cpu: ['float32'],
  webgpu: ['float32', 'float16'],
  cuda: ['float32', 'float16', 'bfloat16'],
};

/** A device on which ONNX Runtime runs traced graphs. */
export function openRuntimeDevice(name: GraphTarget): Device {
  const provider = name === 'cpu' ? undefined : Provider.open(name);
  // Constants that two executables share are packed once.
  const prepacked = new WeakMap<ReadonlyMap<string, NDArray>, unknown>();
  const containerOf = (constants: ReadonlyMap<string, NDArray>) => {
    if (!prepacked.has(constants)) {
      const container = created('CreatePrepackedWeightsContainer');
      prepacked.set(constants, container);
      containers.register(constants, container);
    }
    return prepacked.get(constants);
  };
  return {
    name,
    async place(array) {
      if (provider === undefined) return array;
      return new DeviceArray(
        name,
        array.dtype,
        array.shape,
        new ProviderMemory(provider, await provider.upload(array)),
      );
    },
    inTurn: async (use) => (provider === undefined ? use() : provider.inTurn(use)),
    prepare: (program) => {
      const shared = provider === undefined && program.constants.size > 0;
      return new RuntimeExecutable(
        name,
        provider,
        program,
        shared ? containerOf(program.constants) : undefined,
      );
    },
  };
}

const containers = new FinalizationRegistry<unknown>((container) =>
  release('ReleasePrepackedWeightsContainer', container),
);

/** Memory of an accelerator; freed when it is disposed or collected. */
class ProviderMemory implements Storage {
  // Only in turn: the device's memory is not to be touched while a graph runs on another thread.
  private static readonly collected = new FinalizationRegistry<{ provider: Provider; handle: unknown }>(
    ({ provider, handle }) => void provider.inTurn(() => release('ReleaseValue', handle)),
  );

  constructor(
    private readonly provider: Provider,
    readonly handle: unknown,
  ) {
    ProviderMemory.collected.register(this, { provider, handle }, this);
  }

  read(into: NDArray): Promise<void> {
    return this.provider.download(() => this.handle, into);
  }

  dispose(): void {
    ProviderMemory.collected.unregister(this);
    // A run that was started before may still read it.
    void this.provider.inTurn(() => release('ReleaseValue', this.handle));
  }
}

class RuntimeExecutable implements Executable {
  readonly info: ExecutableInfo;
  private readonly session: Session;
  private readonly traced: Traced;
  private readonly inputNames: ReadonlySet<string>;
  private readonly outputs: readonly (ValueInfo & {
    path: string;
    use: 'in-place' | 'resident' | 'returned';
  })[];

  constructor(
    private readonly device: GraphTarget,
    private readonly provider: Provider | undefined,
    private readonly program: Program,
    prepacked: unknown,
  ) {
    const started = performance.now();
    const { fn, specs, constants, inPlace, resident, profile, precision, gradientCheckpointing } = program;
    if (!precisions[device].includes(precision)) throw wrongPrecision(precision, device);
    // WebGPU and CUDA have no 8-bit products either: the runtime computes those on the CPU.
    const options = { target: device, precision, gradientCheckpointing, int8Kernel: int8Kernel() };
    const traced = trace(fn, specs, options);
    const tracedAt = performance.now();
    checkGraph(traced.graph);
    const arrays = flattenTree(specs, isTraceSpec);
    const isIn = (path: string, roots: readonly string[]) => roots.some((root) => isUnder(path, root));
    this.outputs = traced.graph.outputs.map((output) => {
      const path = output.name.slice(outputPrefix.length);
      const use = isIn(path, inPlace) ? 'in-place' : isIn(path, resident) ? 'resident' : 'returned';
      if (use === 'in-place') checkTarget(path, { ...output, dtype: output.type }, arrays.get(path));
      return { ...output, path, use };
    });
    // An accelerator gets new memory for results in place, which then takes the place of the old.
    const copied =
      provider !== undefined
        ? []
        : this.outputs
            .filter(({ use, path, name }) => use === 'in-place' && !canWriteInPlace(traced.graph, path, name))
            .map(({ path }) => path);
    const frozen = provider === undefined ? constants : new Map<string, NDArray>();
    const graph = withConstants(traced.graph, new Map([...frozen].map(([path]) => [path, heldInMemory])));
    const model = encodeModel(graph);
    const used = new Set(graph.initializers.map(({ name }) => name));
    this.session = new Session(model, {
      provider,
      constants: new Map([...frozen].filter(([path]) => used.has(path))),
      prepacked,
      profilePrefix: profile ? temporaryProfile() : undefined,
    });
    this.traced = traced;
    this.inputNames = new Set(graph.inputs.map(({ name }) => name));
    const names = traced.graph.inputs.flatMap(({ shape }) =>
      shape.filter((size) => typeof size === 'string'),
    );
    this.info = {
      nodes: graph.nodes.length,
      bytes: model.length,
      seconds: { trace: (tracedAt - started) / 1000, create: (performance.now() - tracedAt) / 1000 },
      copied,
      dimensions: [...new Set(names)],
    };
  }

  async run(inputs: Inputs, sizes: ReadonlyMap<string, number>, signal?: AbortSignal): Promise<unknown> {
    const feeds = new Map<string, unknown>();
    for (const [path, array] of inputs) {
      if (this.inputNames.has(path)) feeds.set(path, this.feed(path, array));
    }
    const results = new Map<string, NDArray>();
    const targets = new Map<string, unknown>();
    for (const { name, path, use, shape, type } of this.outputs) {
      const given = use === 'in-place' ? inputs.get(path) : undefined;
      const spec = { shape: shape.map((size) => evaluateDimension(size, sizes)), dtype: type } as ArraySpec;
      const onDevice = this.provider !== undefined && (use === 'resident' || given instanceof DeviceArray);
      if (onDevice) {
        targets.set(name, new NewMemory(spec));
        continue;
      }
      const direct = isNDArray(given) && !this.info.copied.includes(path);
      const array = direct ? given : emptyArray(spec);
      results.set(path, array);
      targets.set(name, handleOf(array));
    }
    if (this.provider === undefined) await makeRoom(this.traced.peakBytes ?? 0);
    // The runtime works in the arrays' own memory: `inputs` and `results` are still used after the run, so that
    // nothing of it is collected before.
    const made = await this.session.run(feeds, targets, { signal }).catch((error) => {
      throw this.explained(error, inputs, results);
    });
    const arrays = new Map<string, AnyArray>(results);
    for (const { name, path, shape, type } of this.outputs) {
      const handle = made.get(name);
      if (handle === undefined) continue;
      const memory = new ProviderMemory(this.provider!, handle);
      const given = inputs.get(path);
      if (given instanceof DeviceArray && this.program.inPlace.some((root) => isUnder(path, root))) {
        given.replace(memory);
      } else {
        const sized = shape.map((size) => evaluateDimension(size, sizes));
        arrays.set(path, new DeviceArray(this.device, type as ArraySpec['dtype'], sized, memory));
      }
    }
    for (const path of this.info.copied) {
      (inputs.get(path) as NDArray).data.set(results.get(path)!.data);
    }
    const returned = Object.entries(this.traced.outputs as object).filter(
      ([name]) => !this.program.inPlace.includes(name),
    );
    return mapTree(Object.fromEntries(returned), isPath, (path) => arrays.get(path)!);
  }

  private feed(path: string, array: AnyArray): unknown {
    if (!(array instanceof DeviceArray)) return handleOf(array);
    if (array.device === this.device) return (array.storage as ProviderMemory).handle;
    throw wrongDevice(path, array, this.device);
  }

  /** Says how much memory a run that had too little of it needs, and what a GPU without 16-bit arithmetic lacks. */
  private explained(error: unknown, inputs: Inputs, results: ReadonlyMap<string, NDArray>): unknown {
    if (!(error instanceof EngineError)) return error;
    // WebGPU makes a kernel when it is first run, and only then sees that its GPU can not run it.
    if (error.message.includes('requires f16')) {
      return wrongPrecision(this.program.precision, this.device, error);
    }
    if (error.code !== 'out-of-memory') return error;
    const size = (arrays: Iterable<ArraySpec>) =>
      [...arrays].reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * bytesPerElement[dtype], 0);
    const between = this.traced.peakBytes;
    const parts = [
      `arrays that go in ${inMegabytes(size(inputs.values()))}`,
      `arrays that come out ${inMegabytes(size(results.values()))}`,
      ...(between === undefined ? [] : [`results in between about ${inMegabytes(between)}`]),
    ];
    return new EngineError(
      'out-of-memory',
      `not enough memory on '${this.device}' for this run: ${parts.join(', ')} (${error.message})`,
      'use smaller batches or shorter sequences, or recompute() parts of the function',
      { cause: error },
    );
  }

  endProfile(): Profile {
    return readProfile(this.session.endProfile());
  }

  dispose(): void {
    this.session.dispose();
  }
}

const isPath = (value: unknown): value is string => typeof value === 'string';

const inMegabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;

/** A constant without bytes of its own must name a file; the runtime takes the array that the session gives it. */
const heldInMemory = { location: 'in-memory', offset: 0 };
