export { configToJson } from './config/config-json.js';
export {
  type Architecture,
  endIds,
  kindOf,
  longestSequence,
  type ModelConfig,
  sharedLength,
  withHead,
} from './config/model-config.js';
export { parseConfig } from './config/parse-config.js';
export {
  type PlacedWeights,
  parameterCount,
  scoreHeadShapes,
  type Weights,
  weightShapes,
} from './config/weight-shapes.js';
export { copyWeights } from './copy-weights.js';
export { type FetchUrlOptions, fetchUrl } from './datasets/fetch-url.js';
export { type ResolveDatasetOptions, resolveDataset } from './datasets/resolve-dataset.js';
export {
  continueAt,
  extendSequence,
  finalNorm,
  hiddenStates,
  readPrompt,
  stateAt,
} from './decoder/decoder.js';
export {
  labelLogits,
  labelLogitsOf,
  labelLogProbabilitiesOf,
  nextTokenLoss,
  nextTokenLosses,
  scores,
  tokenLosses,
  values,
  valuesAt,
  vocabularyLogits,
} from './decoder/heads.js';
export type { AdaptedMatrix, DropoutTensors, Matrix } from './decoder/linear.js';
export type { ModelTensors, WeightTensors } from './decoder/model-tensors.js';
export {
  continuationArrays,
  growingContinuationArrays,
  growingPositionArrays,
  type PositionArrays,
  type PositionTables,
  positionArrays,
  positionDimensions,
} from './decoder/position-tables.js';
export { type Companions, readCompanions } from './directory/companions.js';
export type { GramMetadata } from './directory/gram-metadata.js';
export { weightFiles } from './directory/load-weights.js';
export {
  type LoadedModel,
  loadModel,
  MODEL_FILES,
  type ModelToSave,
  type SaveOptions,
  saveModel,
} from './directory/model-directory.js';
export { ModelError } from './error.js';
export {
  activationBytes,
  bytesPerToken,
  cacheBytes,
  forwardFlop,
  type TrainingMemory,
  type TrainingMemoryOptions,
  trainingBytes,
  trainingMemory,
} from './estimates.js';
export {
  type ExportedModel,
  type ExportModelOptions,
  exportGenerator,
  exportJudge,
  exportReward,
} from './export/export-model.js';
export type { DecoderConfig, LayerType } from './families/decoder-config.js';
export { type ModelFamily, SCRATCH_FAMILY } from './families/index.js';
export { PROJECTIONS, type Projection } from './families/projections.js';
export type { JsonValue } from './files/json.js';
export type {
  Completion,
  Decoding,
  GenerateOptions,
  GenerationRequest,
  StopText,
  TokenEvent,
} from './generation/generation.js';
export { createGenerator, type Generator, type GeneratorOptions } from './generation/generator.js';
export { type Candidates, filteredDistribution } from './generation/sampling.js';
export { type GgufConfig, type GgufModel, loadGguf, readGgufConfig } from './gguf/load-gguf.js';
export type { GgufTensor } from './gguf/parse.js';
export { looksLikePath } from './hub/reference.js';
export { type ResolveOptions, resolveModel } from './hub/resolve-model.js';
export { initWeights } from './init.js';
export { inspectModel, type ModelInfo, type StoredTensors } from './inspect.js';
export {
  type AdaptableTensors,
  type Adapter,
  type AdapterNoise,
  adaptedWeights,
  adapterNoise,
  adapterShapes,
  initAdapter,
  joinAdapter,
  type PlacedAdapter,
} from './lora/adapter.js';
export {
  ADAPTER_FILES,
  type LoadedAdapter,
  loadAdapter,
  type SaveAdapterOptions,
  saveAdapter,
} from './lora/adapter-directory.js';
export { decoderHash, withAdapter } from './lora/adapter-notes.js';
export {
  type AdapterOver,
  adapterOver,
  applyAdapter,
  applyAdapterToSave,
  type ModelAndFiles,
} from './lora/apply-adapter.js';
export { checkLora, type LoraConfig } from './lora/lora-config.js';
export { mergeAdapter, mergeToSave } from './lora/merge-adapter.js';
export {
  arePlain,
  checkModelMemory,
  type OpenedModel,
  type OpenOptions,
  openModel,
} from './opening/open-model.js';
export type { FixedWeights } from './opening/packed-file.js';
export { type StreamedModel, streamModel, weightsOf } from './opening/stream-model.js';
export { type ModelUse, type PeakMemory, peakMemory } from './peak-memory.js';
export { type QuantizedWeights, quantizeWeights } from './quantize.js';
export type {
  DynamicScaling,
  LinearScaling,
  Llama3Scaling,
  RopeScaling,
  YarnScaling,
} from './rope/scaling.js';
export { readSafetensors, type SafetensorsContent } from './safetensors/read.js';
export { type ArrayToMake, type WritableArrays, writeSafetensors } from './safetensors/write.js';
export { roundedHeadBytes, type WeightPrecision, weightBytes } from './weight-bytes.js';
