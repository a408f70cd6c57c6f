import { availableParallelism } from 'node:os';
import { EngineError } from '../error.js';
import { type Library, loadLibrary, type Member } from './library.js';

/** What all sessions of the process share: the library, its threads and its memory arena. */
export interface Environment {
  readonly library: Library;
  readonly handle: unknown;
  /** Describes host memory. */
  readonly hostMemory: unknown;
  /** The allocator with which the library makes what it hands out. */
  readonly allocator: unknown;
}

/** Errors come back as a status; printed as well, they would be said twice. */
const logFatal = 4;
const arenaAllocator = 1;
const extendAsRequested = 1;
const byDefault = -1;
const defaultMemory = 0;

let environment: Environment | undefined;

/** The environment of the process, made at the first call. */
export function getEnvironment(): Environment {
  if (environment !== undefined) return environment;
  const library = loadLibrary();
  const { api } = library;
  const threading = createdBy(library, 'CreateThreadingOptions');
  checkStatus(library, api.SetGlobalIntraOpNumThreads(threading, threadCount()));
  const handle = createdBy(library, 'CreateEnvWithGlobalThreadPools', logFatal, 'gram', threading);
  api.ReleaseThreadingOptions(threading);
  // On Windows, events go to the system instead of files; this ends them.
  checkStatus(library, api.DisableTelemetryEvents(handle));
  const hostMemory = createdBy(library, 'CreateCpuMemoryInfo', arenaAllocator, defaultMemory);
  // By default the arena grows in powers of two, which holds up to twice what is needed.
  const arena = createdBy(library, 'CreateArenaCfg', 0, extendAsRequested, byDefault, byDefault);
  checkStatus(library, api.CreateAndRegisterAllocator(handle, hostMemory, arena));
  api.ReleaseArenaCfg(arena);
  const allocator = createdBy(library, 'GetAllocatorWithDefaultOptions');
  environment = { library, handle, hostMemory, allocator };
  return environment;
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

/** Calls a function of the API that returns a status. */
export function call(name: Member, ...args: unknown[]): void {
  const { library } = getEnvironment();
  checkStatus(library, library.api[name](...args));
}

/** Calls a function of the API that makes something. */
export function created(name: Member, ...args: unknown[]): unknown {
  return createdBy(getEnvironment().library, name, ...args);
}

/** Calls a function of the API that frees something. */
export function release(name: Member, handle: unknown): void {
  getEnvironment().library.api[name](handle);
}

function createdBy(library: Library, name: Member, ...args: unknown[]): unknown {
  const out: unknown[] = [null];
  checkStatus(library, library.api[name](...args, out));
  return out[0];
}

/**
 * Turns a status into an error, and frees it.
 *
 * @throws EngineError `out-of-memory`, `cancelled` or `runtime`
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
