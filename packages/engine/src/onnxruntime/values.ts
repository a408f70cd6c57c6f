import { closeSync, openSync, statSync } from 'node:fs';
import koffi from 'koffi';
import { bytesPerElement, type NDArray, sizeOf } from '../arrays/array.js';
import type { DeviceArray } from '../arrays/device-array.js';
import { type ArrayFile, fileOf } from '../arrays/file-array.js';
import { EngineError } from '../error.js';
import { fileBytes } from '../onnx/constants.js';
import { type GraphType, onnxTypes } from '../onnx/model.js';
import { created, getEnvironment, release } from './environment.js';

/** ONNX Runtime's handles of host arrays, which are made once and released when the array is collected. */
const handles = new WeakMap<NDArray, unknown>();
const collected = new FinalizationRegistry<unknown>((handle) => release('ReleaseValue', handle));

/** The handle of a host array, which points to the array's own memory. */
export function handleOf(array: NDArray): unknown {
  const known = handles.get(array);
  if (known !== undefined) return known;
  // Small typed arrays live in the JavaScript heap and move. Asking for the buffer pins them.
  void array.data.buffer;
  const handle = created(
    'CreateTensorWithDataAsOrtValue',
    getEnvironment().hostMemory,
    array.data,
    array.data.byteLength,
    array.shape.map(BigInt),
    array.shape.length,
    onnxTypes[array.dtype],
  );
  handles.set(array, handle);
  collected.register(array, handle);
  return handle;
}

/** Shape and element type of a value of a graph, which an array may be. */
export interface ValueSpec {
  readonly shape: readonly number[];
  readonly dtype: GraphType;
}

/** Makes an array in the memory of an allocator and gives its handle. */
export function allocate(allocator: unknown, { shape, dtype }: ValueSpec): unknown {
  return created('CreateTensorAsOrtValue', allocator, shape.map(BigInt), shape.length, onnxTypes[dtype]);
}

/** Makes a handle of an array that lies at an address of some memory. */
export function valueAt(memory: unknown, address: bigint, { shape, dtype }: ValueSpec): unknown {
  return created(
    'CreateTensorWithDataAsOrtValue',
    memory,
    address,
    fileBytes[dtype] * sizeOf(shape),
    shape.map(BigInt),
    shape.length,
    onnxTypes[dtype],
  );
}

/** The address of the values that a handle stands for. */
export function addressOfValue(handle: unknown): bigint {
  return koffi.address(created('GetTensorMutableData', handle));
}

/** A file in the address space of the process, which nobody can write to. */
interface Mapping {
  readonly address: bigint;
  readonly bytes: number;
}

const PROT_READ = 1;
const MAP_PRIVATE = 2;
const MADV_DONTNEED = 4;

interface System {
  map(address: null, bytes: number, protection: number, flags: number, file: number, offset: number): bigint;
  unmap(address: bigint, bytes: number): number;
  advise(address: bigint, bytes: number, advice: number): number;
}

let known: System | undefined;

/** The functions of the C library, which is asked once. Windows has others. */
function system(): System {
  known ??= loadSystem();
  return known;
}

function loadSystem(): System {
  const library = koffi.load(null);
  return {
    map: library.func(
      'intptr_t mmap(void* address, size_t n, int protection, int flags, int file, int64_t offset)',
    ),
    unmap: library.func('int munmap(intptr_t address, size_t n)'),
    advise: library.func('int madvise(intptr_t address, size_t n, int advice)'),
    // Functions of koffi have no parameters in their type.
  } as unknown as System;
}

const mappings = new WeakMap<ArrayFile, Mapping>();
const unmapped = new FinalizationRegistry<Mapping>(({ address, bytes }) => system().unmap(address, bytes));

/** Maps a file once. The mapping lasts as long as the file's arrays are used. */
function mappingOf(file: ArrayFile): Mapping {
  const before = mappings.get(file);
  if (before !== undefined) return before;
  file.check();
  const bytes = statSync(file.path).size;
  const handle = openSync(file.path, 'r');
  let address: bigint;
  try {
    address = BigInt(system().map(null, bytes, PROT_READ, MAP_PRIVATE, handle, 0));
  } finally {
    closeSync(handle);
  }
  if (address === -1n) {
    throw new EngineError(
      'out-of-memory',
      `there is no room in the address space for the ${bytes} bytes of ${file.path}`,
      'raise the limit of this process (ulimit -v), or use a smaller model',
    );
  }
  const mapping = { address, bytes };
  mappings.set(file, mapping);
  unmapped.register(file, mapping);
  return mapping;
}

const fileHandles = new WeakMap<DeviceArray, unknown>();

/** The runtime's handle of an array in a mapped file; undefined on Windows, where files are not mapped here. */
export function mappedHandleOf(array: DeviceArray): unknown {
  const stored = fileOf(array);
  if (stored === undefined || process.platform === 'win32') return undefined;
  const before = fileHandles.get(array);
  if (before !== undefined) return before;
  const { shape, dtype } = array;
  const length = sizeOf(shape) * bytesPerElement[dtype];
  const { address, bytes } = mappingOf(stored.file);
  if (stored.offset + length > bytes) {
    throw new EngineError(
      'bad-file',
      `${stored.file.path} has ${bytes} bytes, an array in it ends at ${stored.offset + length}`,
      'load the model again',
    );
  }
  const handle = created(
    'CreateTensorWithDataAsOrtValue',
    getEnvironment().hostMemory,
    address + BigInt(stored.offset),
    length,
    shape.map(BigInt),
    shape.length,
    onnxTypes[dtype],
  );
  fileHandles.set(array, handle);
  collected.register(array, handle);
  return handle;
}

/**
 * Gives back the memory of a mapped file. The runtime reads a whole matrix to pack it, and afterwards only rows of a table, if
 * anything: what is used again is read from the file again. Nobody writes to the mapping, so that nothing is lost, also while the
 * runtime reads.
 */
export function releasePages(file: ArrayFile): void {
  const mapping = mappings.get(file);
  if (mapping !== undefined) system().advise(mapping.address, mapping.bytes, MADV_DONTNEED);
}
