export {
  type DType,
  float32,
  int32,
  isNDArray,
  type NDArray,
  scalar,
  sizeOf,
  type TypedArrays,
  zeros,
} from './array.js';
export {
  type Arrays,
  type Compiled,
  type CompileOptions,
  compile,
  type DeviceName,
  type ExecutableInfo,
} from './compile.js';
export { EngineError } from './error.js';
export { encodeModel, type GraphModel } from './onnx/model.js';
export { runtimeVersion, threadCount } from './onnxruntime/runtime.js';
export { tracedKernels } from './trace/kernels/register.js';
export { type ArraySpec, type Traced, trace } from './trace/trace.js';
export { flattenTree, mapTree, type Tree } from './tree.js';
