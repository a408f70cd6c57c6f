import type { ArraySpec, NDArray } from '../arrays/array.js';
import { onnxTypes } from '../onnx/model.js';
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

/** Makes an array in the memory of an allocator and gives its handle. */
export function allocate(allocator: unknown, { shape, dtype }: ArraySpec): unknown {
  return created('CreateTensorAsOrtValue', allocator, shape.map(BigInt), shape.length, onnxTypes[dtype]);
}
