export { configToJson, type LlamaConfig, parseConfig } from './config/llama-config.js';
export { parameterCount, type Weights, weightShapes } from './config/weight-shapes.js';
export { ModelError } from './error.js';
export { checkReplaceable, writeDirectoryAtomic, writeFileAtomic } from './files/atomic.js';
export type { GramMetadata } from './files/gram-metadata.js';
export type { JsonValue } from './files/json.js';
export {
  type LoadedModel,
  loadModel,
  MODEL_FILES,
  type ModelToSave,
  saveModel,
} from './files/model-directory.js';
export { labelLogits, nextTokenLosses, values } from './heads.js';
export { initWeights } from './init.js';
export { finalNorm, hiddenStates, stateAt, type WeightTensors } from './llama.js';
export { readSafetensors, type SafetensorsContent } from './safetensors/read.js';
export { writeSafetensors } from './safetensors/write.js';
