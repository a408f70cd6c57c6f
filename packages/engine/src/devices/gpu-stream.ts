import koffi, { type LibraryHandle } from 'koffi';
import { type DeviceName, deviceIndex } from '../arrays/device-array.js';
import { EngineError } from '../error.js';
import { findCuda } from '../onnxruntime/cuda.js';

/** A queue of work on a GPU beside that of graphs, for a library that computes there by itself. */
export interface GpuStream {
  /** The handle of the stream in CUDA, a `cudaStream_t`. */
  readonly handle: bigint;
  /** Waits, off the JavaScript thread, until everything that was queued has been done. */
  synchronize(): Promise<void>;
}

/** The queue does not wait for the work of other queues. */
const NON_BLOCKING = 1;

/**
 * Makes a stream on a GPU, which lasts as long as the process, and makes this GPU the one that CUDA uses on the JavaScript thread until
 * something else is said there.
 *
 * Runs of graphs have ended when their promise resolves: what is queued then reads their results.
 *
 * @param device `cuda`, or one of several
 * @throws {EngineError} `device-unavailable` where there is no CUDA; `runtime` with the reason that CUDA gives
 */
export function createGpuStream(device: DeviceName): GpuStream {
  const { runtime } = findCuda();
  if (runtime === undefined) {
    throw new EngineError('device-unavailable', 'streams of CUDA are for Linux only', 'use Linux');
  }
  const nameOf = runtime.func('str cudaGetErrorString(int status)');
  const check = (status: unknown, name: string) => {
    if (status !== 0)
      throw new EngineError('runtime', `${name}: ${nameOf(status)}`, 'see what the driver logged (dmesg)');
  };
  check(runtime.func('int cudaSetDevice(int device)')(deviceIndex(device).index), 'cudaSetDevice');
  const made: unknown[] = [null];
  const create = runtime.func('int cudaStreamCreateWithFlags(_Out_ void** stream, unsigned int flags)');
  check(create(made, NON_BLOCKING), 'cudaStreamCreateWithFlags');
  const handle = koffi.address(made[0]);
  const wait = runtime.func('int cudaStreamSynchronize(intptr_t stream)');
  return {
    handle,
    synchronize: async () => check(await offThread(wait, handle), 'cudaStreamSynchronize'),
  };
}

function offThread(target: ReturnType<LibraryHandle['func']>, argument: bigint): Promise<unknown> {
  return new Promise((resolve, reject) => {
    target.async(argument, (error: unknown, result: unknown) =>
      error == null ? resolve(result) : reject(error),
    );
  });
}
