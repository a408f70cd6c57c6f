import { type ArraySpec, bytesPerElement, sizeOf } from '../arrays/array.js';
import type { AnyArray, DeviceName } from '../arrays/device-array.js';
import { isUnder, mapPaths, type Tree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import type { GraphTarget, Precision } from '../graph/target.js';
import { checkGraph } from '../onnx/check-graph.js';
import { cutGraph } from '../onnx/cut-graph.js';
import type { GraphModel } from '../onnx/model.js';
import { makeRoom } from '../onnxruntime/arena.js';
import { release } from '../onnxruntime/environment.js';
import { int8Kernel } from '../onnxruntime/int8-kernel.js';
import { OUTPUT_PREFIX, type Traced, trace } from '../trace/trace.js';
import {
  type Executable,
  type ExecutableInfo,
  type ExecutableRunOptions,
  type Inputs,
  type Program,
  wrongPrecision,
} from './device.js';
import type { Profile } from './profile.js';
import { type PartContext, type PartRun, RuntimePart } from './runtime-part.js';

/**
 * Element types that each device multiplies. The CPU is asked for float32 only: it has no products in half precision, and
 * leaves out the rounding between casts there and back.
 */
const PRECISIONS: Readonly<Record<GraphTarget, readonly Precision[]>> = {
  cpu: ['float32'],
  webgpu: ['float32', 'float16'],
  cuda: ['float32', 'tf32', 'float16', 'bfloat16'],
};

/** A traced function as sessions of ONNX Runtime, one for each of its parts. */
export class RuntimeExecutable implements Executable {
  readonly info: ExecutableInfo;
  /** Without the graph, which the sessions have in a form of their own. */
  private readonly traced: Pick<Traced, 'outputs' | 'peakBytes'>;
  private estimate: { readonly key: string; readonly bytes: number } | undefined;
  /** For each group of results; undefined where earlier parts compute all of it. */
  private readonly parts: readonly (RuntimePart | undefined)[];

  constructor(
    device: GraphTarget,
    private readonly context: Omit<PartContext, 'values'>,
  ) {
    const started = performance.now();
    const { fn, specs, precision, gradientCheckpointing, parts } = context.program;
    if (!PRECISIONS[device].includes(precision)) throw wrongPrecision(precision, device);
    // WebGPU has no 8-bit products: the runtime computes those on the CPU. Graphs for CUDA have none.
    const options = { target: device, precision, gradientCheckpointing, int8Kernel: int8Kernel() };
    const traced = trace(fn, specs, options);
    this.traced = { outputs: traced.outputs, peakBytes: traced.peakBytes };
    const graphs = parts.length > 1 ? cut(traced, parts) : [traced.graph];
    const tracedAt = performance.now();
    for (const graph of graphs) checkGraph(graph);
    const isEmpty = ({ nodes, outputs }: GraphModel) => nodes.length + outputs.length === 0;
    const shared = { ...context, values: traced.values };
    this.parts = graphs.map((graph) => (isEmpty(graph) ? undefined : new RuntimePart(graph, shared)));
    checkOverwritten(this.parts);
    const inputSizes = traced.graph.inputs.flatMap(({ shape }) => shape);
    this.info = {
      nodes: traced.graph.nodes.length,
      bytes: this.parts.reduce((sum, part) => sum + (part?.bytes ?? 0), 0),
      seconds: { trace: (tracedAt - started) / 1000, create: (performance.now() - tracedAt) / 1000 },
      copied: this.parts.flatMap((part) => part?.copied ?? []),
      dimensions: [...new Set(inputSizes.filter((size) => typeof size === 'string'))],
    };
  }

  async run(
    inputs: Inputs,
    sizes: ReadonlyMap<string, number>,
    { signal, onPart }: ExecutableRunOptions = {},
  ): Promise<Tree<AnyArray>> {
    if (this.context.provider === undefined) await makeRoom(this.peakBytes(sizes));
    const run: PartRun = { inputs, sizes, signal, between: new Map(), results: new Map() };
    try {
      for (const [i, part] of this.parts.entries()) {
        await part?.run(run);
        this.free(run, i + 1);
        onPart?.(i);
      }
    } catch (error) {
      throw this.explained(error, run);
    } finally {
      this.free(run, this.parts.length);
    }
    const returned = Object.entries(this.traced.outputs).filter(
      ([name]) => !this.context.program.inPlace.includes(name),
    );
    return mapPaths(Object.fromEntries(returned), isPath, run.results);
  }

  /** Frees the results between parts that none reads from one of them on. */
  private free({ between }: PartRun, from: number): void {
    const { provider } = this.context;
    const later = this.parts.slice(from);
    for (const [name, handle] of between) {
      if (later.some((part) => part?.inputNames.has(name))) continue;
      between.delete(name);
      if (provider === undefined) release('ReleaseValue', handle);
      else void provider.inTurn(() => release('ReleaseValue', handle));
    }
  }

  /** Estimates the memory of a run, once for each set of sizes in a row. */
  private peakBytes(sizes: ReadonlyMap<string, number>): number {
    const key = [...sizes.values()].join();
    if (this.estimate?.key !== key) this.estimate = { key, bytes: this.traced.peakBytes(sizes) };
    return this.estimate.bytes;
  }

  private get deviceName(): DeviceName {
    return this.context.provider?.deviceName ?? 'cpu';
  }

  /** Says how much memory a run needs that had too little, and what a GPU without 16-bit arithmetic lacks. */
  private explained(error: unknown, { inputs, sizes, results }: PartRun): unknown {
    if (!(error instanceof EngineError)) return error;
    // WebGPU makes a kernel when it is first run, and only then sees that its GPU cannot run it.
    if (error.message.includes('requires f16')) {
      return wrongPrecision(this.context.program.precision, this.deviceName, error);
    }
    if (error.code !== 'out-of-memory') return error;
    const parts = [
      `arrays that go in ${inMegabytes(bytesOf(inputs.values()))}`,
      `arrays that come out ${inMegabytes(bytesOf(results.values()))}`,
      `results in between about ${inMegabytes(this.peakBytes(sizes))}`,
    ];
    return new EngineError(
      'out-of-memory',
      `not enough memory on '${this.deviceName}' for this run: ${parts.join(', ')} (${error.message})`,
      'use smaller batches or shorter sequences, or recompute() parts of the function',
      { cause: error },
    );
  }

  endProfiles(): readonly Profile[] {
    const profiles = this.parts.flatMap((part) => part?.endProfile() ?? []);
    // A run of the function is one of each part.
    return profiles.map((profile, i) => (i === 0 ? profile : { ...profile, runs: 0 }));
  }

  dispose(): void {
    for (const part of this.parts) part?.dispose();
  }
}

/** Cuts a function into parts, by the paths of the results of each. */
function cut({ graph, values }: Traced, parts: Program['parts']): GraphModel[] {
  const names = graph.outputs.map(({ name }) => name);
  const groups = parts.map((paths) =>
    names.filter((name) => isUnder(name.slice(OUTPUT_PREFIX.length), paths)),
  );
  return cutGraph(graph, groups, values);
}

/**
 * Checks that no part reads an input that an earlier one has overwritten.
 *
 * @throws {EngineError} `bad-state`
 */
function checkOverwritten(parts: readonly (RuntimePart | undefined)[]): void {
  for (const [i, part] of parts.entries()) {
    for (const path of part?.overwritten ?? []) {
      if (!parts.slice(i + 1).some((later) => later?.inputNames.has(path))) continue;
      throw new EngineError(
        'bad-state',
        `a part of the function overwrites '${path}' in place before a later part reads it`,
        `put '${path}' into the last part, or compute the function in one`,
      );
    }
  }
}

const isPath = (value: unknown): value is string => typeof value === 'string';

function bytesOf(arrays: Iterable<ArraySpec>): number {
  return [...arrays].reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * bytesPerElement[dtype], 0);
}

const inMegabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
