export {
  type ArraySpec,
  type DType,
  float32,
  int8,
  int32,
  isNDArray,
  type NDArray,
  scalar,
  sizeOf,
  type TypedArrays,
  uint8,
  zeros,
} from './arrays/array.js';
export {
  type AnyArray,
  DeviceArray,
  type DeviceName,
  deviceNames,
  isArray,
  isDeviceName,
  sliceOf,
} from './arrays/device-array.js';
export { ArrayFile, fileArray, fileIdentity } from './arrays/file-array.js';
export { allFinite } from './arrays/finite.js';
export { flattenTree, mapTree, type Tree } from './arrays/tree.js';
export { checkDevice } from './compile/check-device.js';
export {
  type ArrayInputs,
  type Arrays,
  type Compiled,
  type CompileOptions,
  compile,
  type Results,
  type RunOptions,
} from './compile/compile.js';
export { disposeArrays, type PlacedOnce, place, placedOnce, read } from './compile/place.js';
export type { ExecutableInfo } from './devices/device.js';
export { fastestDevice, matrixRate } from './devices/fastest.js';
export { createGpuStream, type GpuStream } from './devices/gpu-stream.js';
export type { OperatorTime, Profile, ProfileReport } from './devices/profile.js';
export { type DeviceReport, diagnose } from './diagnose.js';
export { EngineError, type EngineErrorCode } from './error.js';
export { type ExportedOnnx, type ExportOptions, exportOnnx } from './export-onnx.js';
export {
  type AttentionInputs,
  type AttentionOptions,
  attentionAt,
  type CacheScales,
  cachedAttention,
  causalAttention,
  type Heads,
  type KeysAndValues,
  roundedForCache,
  splitHeads,
} from './fused/attention.js';
export { type BlockMatrix, blockMatMul, quantizeInt4, quantizeInt8Blocks } from './fused/block-mat-mul.js';
export { crossEntropy } from './fused/cross-entropy.js';
export { type Int8Matrix, int8MatMul, quantizeInt8 } from './fused/int8-mat-mul.js';
export { linearCrossEntropy, type WeightedRows } from './fused/linear-cross-entropy.js';
export {
  type QuantizedArrays,
  type QuantizedMatrix,
  type QuantizedTensors,
  quantizedMatMul,
} from './fused/quantized-mat-mul.js';
export { checkpointed, recompute } from './fused/recompute.js';
export { rmsNorm } from './fused/rms-norm.js';
export { type RotaryOptions, type RotaryTables, rotaryEmbedding } from './fused/rotary-embedding.js';
export type { Int8Kernel, Precision } from './graph/target.js';
export { tracedKernels } from './kernels/register.js';
export type { ConstantSource } from './onnx/constants.js';
export { type Dimension, encodeModel, type GraphModel } from './onnx/model.js';
export { letThreadsSleep, runtimeVersion } from './onnxruntime/environment.js';
export { int8Kernel } from './onnxruntime/int8-kernel.js';
export type { SpecTree, TraceSpec } from './trace/spec.js';
export { type Traced, type TraceOptions, trace } from './trace/trace.js';
export { weightRate } from './weight-rate.js';
