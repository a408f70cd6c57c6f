import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { call, getEnvironment } from '../onnxruntime/environment.js';
import type { NativeFunction } from '../onnxruntime/library/library.js';

/** The counts of the stand-ins for NVIDIA's libraries; see scripts/cuda-rig/libcudart.c. */
export interface RigCounts {
  /** Pieces of memory that were taken from the device. */
  readonly allocations: number;
  /** Bytes of the device's memory in use. */
  readonly bytes: number;
  readonly launches: number;
  /** Times that the host waited for the device. */
  readonly synchronizations: number;
  readonly copiesToDevice: number;
  readonly copiesToHost: number;
  readonly bytesToHost: number;
  readonly copiesOnDevice: number;
  readonly bytesOnDevice: number;
  /** Copies in another direction than was said. */
  readonly wrongCopies: number;
  /** Copies of more than 4 KB to the device that the JavaScript thread waited for. */
  readonly mainThreadUploads: number;
}

const NAMES: readonly (keyof RigCounts)[] = [
  'allocations',
  'bytes',
  'launches',
  'synchronizations',
  'copiesToDevice',
  'copiesToHost',
  'bytesToHost',
  'copiesOnDevice',
  'bytesOnDevice',
  'wrongCopies',
  'mainThreadUploads',
];

/** Name of the provider in profiles. */
const CUDA = 'CUDAExecutionProvider';

/** Kind of arithmetic of cuBLAS that rounds the factors of float32 products. */
const TF32 = 3;

/** ONNX Runtime's CUDA provider on a machine without a GPU. */
export interface CudaRig {
  counts(): RigCounts;
  /** The counts of the time that `run` ran. */
  during(run: () => Promise<unknown>): Promise<RigCounts>;
  /** Number of products that cuBLAS was told to compute with TF32. */
  tf32Products(): number;
  /** Bytes that each kind of call to NCCL has brought from other processes. */
  traffic(): RigTraffic;
}

/** Bytes by kind of call to NCCL; see scripts/cuda-rig/libnccl.c. */
export type RigTraffic = Readonly<Record<(typeof CALLS)[number], number>>;

const CALLS = ['allReduce', 'reduceScatter', 'reduce', 'allGather', 'broadcast'] as const;

/** The reason why the rig cannot be used; undefined where it can. It is for the names of skipped tests. */
export const missingRig =
  process.env.GRAM_CUDA_RIG === undefined ? "there is no CUDA rig: 'npm run cuda-rig' makes it" : undefined;

/** Loaded libraries, which koffi unloads when they are collected. */
const loaded = new Map<string, LibraryHandle>();

/**
 * Loads the stand-ins, and makes ONNX Runtime the one of the rig, which must happen before anything uses it. The variables
 * `GRAM_CUDA_RIG` and `GRAM_CUDA_RIG_RUNTIME` say where they are.
 */
export function openCudaRig(): CudaRig {
  const folder = process.env.GRAM_CUDA_RIG ?? '';
  process.env.GRAM_ONNXRUNTIME = process.env.GRAM_CUDA_RIG_RUNTIME;
  for (const name of ['libcudart.so.13', 'libcublasLt.so.13', 'libcublas.so.13']) open(folder, name);
  for (const name of readdirSync(folder)) if (/\.so\.\d+$/.test(name)) open(folder, name);
  const runtime = open(folder, 'libcudart.so.13').func('long rigCount(str name)');
  const modes = open(folder, 'libcublas.so.13').func('long rigMathModes(int kind)');
  const sent = open(folder, 'libnccl.so.2').func('long rigTraffic(str kind)');
  // koffi's types know no parameters and results.
  const count = runtime as unknown as (name: keyof RigCounts) => number;
  // The same holds for this one.
  const modeCount = modes as unknown as (kind: number) => number;
  const countsFrom = (value: (name: keyof RigCounts) => number) =>
    // Every name of the table is a name of the type.
    Object.fromEntries(NAMES.map((name) => [name, value(name)])) as unknown as RigCounts;
  return {
    counts: () => countsFrom(count),
    async during(run) {
      const before = countsFrom(count);
      await run();
      return countsFrom((name) => count(name) - before[name]);
    },
    tf32Products: () => modeCount(TF32),
    // The kinds are the names of the type.
    traffic: () => Object.fromEntries(CALLS.map((kind) => [kind, sent(kind)])) as unknown as RigTraffic,
  };
}

function open(folder: string, name: string): LibraryHandle {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const library = koffi.load(join(folder, name), { global: true });
  loaded.set(name, library);
  return library;
}

/** An operation of a graph, and the part of the runtime that ran it. */
export interface Placement {
  readonly operator: string;
  readonly provider: string;
  /** Element types of its results. */
  readonly types: readonly string[];
  /** Number of elements of its largest result. */
  readonly elements: number;
}

/** Largest number of sizes that arithmetic of shapes gives at once. */
const SIZES = 8;

/** The operations that left the device, which are those on the CPU other than arithmetic of shapes, and copies to the host. */
export function outsideTheDevice(placements: readonly Placement[]): string[] {
  const isShape = ({ types, elements }: Placement) =>
    elements <= SIZES && types.every((type) => type === 'int64' || type === 'int32');
  const outside = placements.filter(
    (each) => each.operator === 'MemcpyToHost' || (each.provider !== CUDA && !isShape(each)),
  );
  return [...new Set(outside.map(({ operator, types }) => `${operator} ${types.join(' ')}`))];
}

/**
 * Makes every session that is created until `stop` write down which provider runs its operations.
 *
 * @returns `stop`, and `read`, which gives the operations of all runs of sessions on CUDA that were disposed
 */
export function recordPlacements(): { stop(): void; read(): Placement[] } {
  // The table is ours and read-only for everybody else.
  const api = getEnvironment().library.api as Record<'CreateSessionFromArray', NativeFunction>;
  const create = api.CreateSessionFromArray;
  const prefix = `gram-placements-${process.pid}-${Date.now()}`;
  let count = 0;
  api.CreateSessionFromArray = ((...args: unknown[]) => {
    call('EnableProfiling', args[3], join(tmpdir(), `${prefix}-${count++}`));
    return create(...args);
  }) as NativeFunction;
  return {
    stop: () => {
      api.CreateSessionFromArray = create;
    },
    read: () => {
      const files = readdirSync(tmpdir()).filter((name) => name.startsWith(prefix));
      return files.flatMap((name) => {
        const path = join(tmpdir(), name);
        const text = readFileSync(path, 'utf8');
        rmSync(path);
        const placements = placementsOf(text);
        // The engine also runs graphs on the CPU, such as the trial of its 8-bit products.
        return placements.some(({ provider }) => provider === CUDA) ? placements : [];
      });
    },
  };
}

interface Event {
  readonly cat?: string;
  readonly name?: string;
  readonly args?: {
    readonly op_name?: string;
    readonly provider?: string;
    readonly output_type_shape?: readonly Record<string, readonly number[]>[];
  };
}

/** Reads a profile. That of a session which is not disposed yet lacks its end. */
function placementsOf(text: string): Placement[] {
  const end = text.lastIndexOf('},');
  if (text.trim() === '' || (end < 0 && !text.trimEnd().endsWith(']'))) return [];
  const isWhole = text.trimEnd().endsWith(']');
  const events = JSON.parse(isWhole ? text : `${text.slice(0, end + 1)}]`) as Event[];
  return events
    .filter(({ cat, name }) => cat === 'Node' && name?.endsWith('_kernel_time'))
    .map(({ args = {} }) => {
      const results = (args.output_type_shape ?? []).flatMap((each) => Object.entries(each));
      return {
        operator: args.op_name ?? '',
        provider: args.provider ?? '',
        types: results.map(([type]) => type),
        elements: Math.max(0, ...results.map(([, shape]) => shape.reduce((size, n) => size * n, 1))),
      };
    });
}
