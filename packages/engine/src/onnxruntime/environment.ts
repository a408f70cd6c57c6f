import { threadCount } from '@gram/base';
import { EngineError } from '../error.js';
import { type Library, loadLibrary, type Member } from './library/library.js';

/** Everything that the sessions of a process share: the library, its threads and its memory arena. */
export interface Environment {
  readonly library: Library;
  readonly handle: unknown;
  /** Description of host memory. */
  readonly hostMemory: unknown;
  /** Allocator with which the library makes what it hands out. */
  readonly allocator: unknown;
}

/** Lowest level of messages that the library prints. Errors are returned as a status and need no second message. */
const LOG_FATAL = 4;
const ARENA_ALLOCATOR = 1;
const EXTEND_AS_REQUESTED = 1;
const BY_DEFAULT = -1;
const DEFAULT_MEMORY = 0;

let environment: Environment | undefined;
let isPatient = false;

/**
 * Lets the threads of the runtime sleep when they have nothing to do, where they would spin until the next operation. Training and
 * reading prompts are then faster beside other work, and single tokens in float32 are 10 to 20 % slower. Numbers stay the same. It
 * concerns the whole process, and counts if it is called before anything is computed.
 */
export function letThreadsSleep(): void {
  isPatient = true;
}

/** The environment of the process, which is made at the first call. */
export function getEnvironment(): Environment {
  if (environment !== undefined) return environment;
  const library = loadLibrary();
  const { api } = library;
  const threading = createHandle(library, 'CreateThreadingOptions');
  checkStatus(library, api.SetGlobalIntraOpNumThreads(threading, threadCount()));
  checkStatus(library, api.SetGlobalSpinControl(threading, isPatient ? 0 : 1));
  const handle = createHandle(library, 'CreateEnvWithGlobalThreadPools', LOG_FATAL, 'gram', threading);
  api.ReleaseThreadingOptions(threading);
  // On Windows, events go to the system instead of files; this ends them.
  checkStatus(library, api.DisableTelemetryEvents(handle));
  const hostMemory = createHandle(library, 'CreateCpuMemoryInfo', ARENA_ALLOCATOR, DEFAULT_MEMORY);
  // By default the arena grows in powers of two, which holds up to twice what is needed.
  const arena = createHandle(library, 'CreateArenaCfg', 0, EXTEND_AS_REQUESTED, BY_DEFAULT, BY_DEFAULT);
  checkStatus(library, api.CreateAndRegisterAllocator(handle, hostMemory, arena));
  api.ReleaseArenaCfg(arena);
  const allocator = createHandle(library, 'GetAllocatorWithDefaultOptions');
  environment = { library, handle, hostMemory, allocator };
  return environment;
}

/** Version of the loaded ONNX Runtime, such as `1.30.0`. */
export function runtimeVersion(): string {
  return loadLibrary().version;
}

/** Calls a function of the API that returns a status. */
export function call(name: Member, ...args: unknown[]): void {
  const { library } = getEnvironment();
  checkStatus(library, library.api[name](...args));
}

/** Calls a function of the API that returns a status, off the JavaScript thread. */
export async function callAsync(name: Member, ...args: unknown[]): Promise<void> {
  const { library } = getEnvironment();
  const status = await new Promise<unknown>((resolve, reject) => {
    library.api[name].async(...args, (error: unknown, result: unknown) =>
      error == null ? resolve(result) : reject(error),
    );
  });
  checkStatus(library, status);
}

/** Calls a function of the API that makes something. */
export function created(name: Member, ...args: unknown[]): unknown {
  return createHandle(getEnvironment().library, name, ...args);
}

/** Calls a function of the API that frees something. */
export function release(name: Member, handle: unknown): void {
  getEnvironment().library.api[name](handle);
}

function createHandle(library: Library, name: Member, ...args: unknown[]): unknown {
  const out: unknown[] = [null];
  checkStatus(library, library.api[name](...args, out));
  return out[0];
}

/**
 * Throws the error of a status, and frees the status.
 *
 * @throws {EngineError} `out-of-memory`, `cancelled` or `runtime`
 */
export function checkStatus(library: Library, status: unknown): void {
  if (status === null) return;
  const message = (library.api.GetErrorMessage(status) as string).replaceAll(/\s+/g, ' ');
  library.api.ReleaseStatus(status);
  if (/failed to allocate|bad_alloc|out of memory/i.test(message)) {
    throw new EngineError('out-of-memory', `ONNX Runtime: ${message}`, 'use smaller batches');
  }
  if (message.includes('terminate flag')) {
    throw new EngineError('cancelled', 'the run was cancelled', 'start it again');
  }
  throw new EngineError('runtime', `ONNX Runtime: ${message}`, 'report it with the traced function');
}
