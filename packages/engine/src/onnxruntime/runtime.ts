import { availableParallelism } from 'node:os';
import type { NDArray } from '../array.js';
import { EngineError } from '../error.js';
import { onnxTypes } from '../onnx/model.js';
import { type Library, loadLibrary } from './library.js';

interface Runtime {
  readonly library: Library;
  readonly env: unknown;
  readonly cpuMemory: unknown;
}

const logErrors = 3;
const arenaAllocator = 1;
const defaultMemory = 0;

let runtime: Runtime | undefined;

/** One environment for the process: all sessions share its threads and its memory arena. */
function getRuntime(): Runtime {
  if (runtime !== undefined) return runtime;
  const library = loadLibrary();
  const { api } = library;
  const threading = created(library, 'CreateThreadingOptions');
  check(library, api.SetGlobalIntraOpNumThreads(threading, threadCount()));
  const env = created(library, 'CreateEnvWithGlobalThreadPools', logErrors, 'gram', threading);
  api.ReleaseThreadingOptions(threading);
  const cpuMemory = created(library, 'CreateCpuMemoryInfo', arenaAllocator, defaultMemory);
  check(library, api.CreateAndRegisterAllocator(env, cpuMemory, null));
  runtime = { library, env, cpuMemory };
  return runtime;
}

/** Threads that work on one operation: `GRAM_THREADS`, or as many as the machine runs at once. */
export function threadCount(): number {
  const asked = process.env.GRAM_THREADS;
  if (asked === undefined || asked === '') return availableParallelism();
  const count = Number(asked);
  if (!Number.isInteger(count) || count < 1) {
    throw new EngineError('runtime', `GRAM_THREADS is '${asked}'`, 'set it to a whole number of at least 1');
  }
  return count;
}

/** Version of the loaded ONNX Runtime, such as `1.30.0`. */
export function runtimeVersion(): string {
  return loadLibrary().version;
}

function check(library: Library, status: unknown): void {
  if (status === null) return;
  const message = library.api.GetErrorMessage(status) as string;
  library.api.ReleaseStatus(status);
  throw new EngineError(
    'runtime',
    `ONNX Runtime: ${message.replaceAll(/\s+/g, ' ')}`,
    'if it is about memory, use smaller batches; otherwise report it with the traced function',
  );
}

function created(library: Library, name: keyof Library['api'], ...args: unknown[]): unknown {
  const out: unknown[] = [null];
  check(library, library.api[name](...args, out));
  return out[0];
}

/** ONNX Runtime's handles of arrays: made once, released when the array is collected. */
const values = new WeakMap<NDArray, unknown>();
const valueRelease = new FinalizationRegistry<unknown>((value) => runtime?.library.api.ReleaseValue(value));

/** The handle of an array. It points to the array's own memory. */
function handleOf(array: NDArray): unknown {
  const known = values.get(array);
  if (known !== undefined) return known;
  const { library, cpuMemory } = getRuntime();
  // Small typed arrays live in the JavaScript heap and move; asking for the buffer pins them.
  void array.data.buffer;
  const value = created(
    library,
    'CreateTensorWithDataAsOrtValue',
    cpuMemory,
    array.data,
    array.data.byteLength,
    array.shape.map(BigInt),
    array.shape.length,
    onnxTypes[array.dtype],
  );
  values.set(array, value);
  valueRelease.register(array, value);
  return value;
}

/** A graph that is ready to run on the CPU. */
export class Session {
  private handle: unknown;
  private running = 0;

  /**
   * @param model bytes of an ONNX model.
   * @param profilePrefix write a profile of every operation to a file with this prefix, when disposed.
   * @throws EngineError `runtime` when ONNX Runtime refuses the model.
   */
  constructor(model: Uint8Array, profilePrefix?: string) {
    const { library, env } = getRuntime();
    const { api } = library;
    const options = created(library, 'CreateSessionOptions');
    try {
      // A third less memory in training graphs, and never slower.
      check(library, api.DisableMemPattern(options));
      check(library, api.DisablePerSessionThreads(options));
      check(library, api.AddSessionConfigEntry(options, 'session.use_env_allocators', '1'));
      if (profilePrefix !== undefined) check(library, api.EnableProfiling(options, profilePrefix));
      this.handle = created(library, 'CreateSessionFromArray', env, model, model.length, options);
    } finally {
      api.ReleaseSessionOptions(options);
    }
  }

  /**
   * Runs the graph off the JavaScript thread and writes every output into the array given for it.
   * An output may be the same array as an input if the graph reads the input before it writes.
   */
  async run(inputs: ReadonlyMap<string, NDArray>, outputs: ReadonlyMap<string, NDArray>): Promise<void> {
    if (this.handle === undefined) {
      throw new EngineError('disposed', 'the executable was disposed', 'compile the function again');
    }
    const { library } = getRuntime();
    this.running++;
    try {
      const status = await new Promise<unknown>((resolve, reject) => {
        library.api.Run.async(
          this.handle,
          null,
          [...inputs.keys()],
          [...inputs.values()].map(handleOf),
          inputs.size,
          [...outputs.keys()],
          outputs.size,
          [...outputs.values()].map(handleOf),
          (error: unknown, result: unknown) => (error == null ? resolve(result) : reject(error)),
        );
      });
      check(library, status);
    } finally {
      this.running--;
    }
  }

  /** Whether a run has not ended yet. */
  get busy(): boolean {
    return this.running > 0;
  }

  /** Frees the graph and its memory. */
  dispose(): void {
    if (this.busy) {
      throw new EngineError(
        'bad-state',
        'the executable is still running',
        'await its runs before you dispose it',
      );
    }
    if (this.handle !== undefined) getRuntime().library.api.ReleaseSession(this.handle);
    this.handle = undefined;
  }
}
