export { type DType, type NDArray, float32, int32, isNDArray, scalar, sizeOf, type TypedArrays, zeros } from './array.js';
export { EngineError } from './error.js';
