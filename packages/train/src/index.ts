export { type Adaptation, adaptRewardModel, type RewardAdaptation } from './adapt.js';
export { type BatchStreamOptions, batchStream, type StepBatch } from './batches/batch-stream.js';
export { type BatchPlan, epochBatches, totalSteps } from './batches/epoch-batches.js';
export { microBatches } from './batches/micro-batches.js';
export {
  type AdapterCheckpoint,
  type Checkpoint,
  loadAdapterCheckpoint,
  loadCheckpoint,
  readMoments,
  saveCheckpoint,
  type Trained,
  type TrainingState,
  writeMoments,
} from './checkpoint.js';
export { type Communicator, type Numbers, type Place, singleProcess } from './distributed/communicator.js';
export { type ConnectOptions, connect } from './distributed/connect.js';
export type { OptimizerSharding } from './distributed/data-parallel.js';
export { detectRank } from './distributed/detect-rank.js';
export { gradientGroupBytes } from './distributed/gpus/gradient-groups.js';
export type { GradientTraffic } from './distributed/gpus/gradient-sums.js';
export { localGpu } from './distributed/gpus/local-gpu.js';
export type { Call } from './distributed/gpus/nccl.js';
export type { GpuExchange } from './distributed/gpus/open-gpus.js';
export { type ShareOptions, type Slice, sharesOf, slicesOf } from './distributed/partition.js';
export { checkSameRun, gatherValues } from './distributed/shared-state.js';
export {
  type EncodePreferencesOptions,
  encodeDemonstrations,
  encodePolicyPairs,
  encodePreferences,
  encodeResponsePairs,
  encodeRewardPairs,
} from './encoding/encode.js';
export type { DegenerateReason, EncodeOptions, EncodingCounts, Examples } from './encoding/encode-all.js';
export { TrainError } from './error.js';
export type { ExampleMeasure } from './examples/codec.js';
export type { GenerationExample, PreferenceExample, RewardExample } from './examples/kinds.js';
export { type ExampleInput, type ExampleSource, sourceOf } from './examples/source.js';
export {
  type ArrayKind,
  type BatchArrays,
  type BatchShape,
  type BatchTensors,
  type FrozenModel,
  type Matrix,
  type Rotations,
  type Vector,
  weightedSum,
} from './objectives/batch.js';
export { type BradleyTerryOptions, bradleyTerry } from './objectives/bradley-terry.js';
export {
  type DirectPreferenceOptions,
  directPreference,
  type SimplePreferenceOptions,
  simplePreference,
} from './objectives/direct-preference.js';
export { type GeneralizableRewardOptions, generalizableReward } from './objectives/generalizable-reward.js';
export type { Objective, ObjectiveResult } from './objectives/objective.js';
export type { ReferencedPair } from './objectives/policy-pairs.js';
export { type PreferenceOptions, preference } from './objectives/preference.js';
export { referenceLogProbabilities } from './objectives/reference-log-probabilities.js';
export {
  fullVocabularyLoss,
  paperSmoothing,
  type SmoothingConvention,
  smoothedRankingLoss,
} from './objectives/smoothing.js';
export { type SupervisedTokens, supervisedTokens, type TokenBatch } from './objectives/supervised-tokens.js';
export {
  pairGeneration,
  supervisedFineTuning,
} from './objectives/token-generation.js';
export {
  createTokenHead,
  type HeadComputing,
  type HeadInputs,
  type HeadRows,
  type HeadTensors,
  headOptions,
  inParts,
  readByHead,
  type TokenHead,
} from './objectives/token-head.js';
export { type AdafactorOptions, adafactor } from './optimizers/adafactor.js';
export { type AdamWOptions, adamW } from './optimizers/adamw.js';
export { initMoments, isOptimizer, type Moments, type Optimizer } from './optimizers/optimizer.js';
export { type SgdOptions, sgd } from './optimizers/sgd.js';
export { createOptimizer, type OptimizerName, optimizerNames } from './optimizers/table.js';
export { headPart, headWeights } from './parts/head-part.js';
export { adapterPart, type TrainedPart, wholeModel } from './parts/trained-part.js';
export { describeTrainingOnGpus } from './preparation/gpus.js';
export { computesInHostMemory } from './preparation/memory.js';
export { type DataSummary, type PreparedTraining, prepareTraining } from './preparation/prepare.js';
export type { PreparationProgress } from './preparation/starting-model.js';
export { estimateTraining, type RunTrainingOptions, runTraining } from './running/run-training.js';
export { type DataFormat, data as dataSettings } from './settings/data.js';
export type { ConfigKeys } from './settings/describe.js';
export { deviceSetting } from './settings/device.js';
export { defineTraining, importModule } from './settings/module.js';
export { type Preset, presets } from './settings/presets.js';
export {
  formatTrainingConfig,
  loadTrainingConfig,
  type ReadConfigOptions,
  readTrainingConfig,
} from './settings/read-config.js';
export { keysOf, type SettingReference, settingsOf } from './settings/reference.js';
export {
  checkUpdateRule,
  loraSettings,
  type ScratchConfig,
  type TrainingConfig,
  type TrainingInput,
  updateRuleSettings,
} from './settings/schema.js';
export { settingReference } from './settings/training-reference.js';
export {
  type ConfigShape,
  checkWritten,
  loadWritten,
  type PathResolver,
  pathResolver,
} from './settings/written.js';
export { formatYaml } from './settings/yaml.js';
export type { DataKind, DataOptions } from './stages/data-kinds.js';
export { locateData } from './stages/locate-data.js';
export type { Stage, StageConfig, StageData } from './stages/stage.js';
export { stageNames, stageOf, type TrainingStage } from './stages/table.js';
export { lossAndGradients } from './steps/gradient-pass.js';
export { type ScheduleName, scheduleNames } from './steps/pace.js';
export { joinRun, type RunStart, type RunState } from './steps/run-state.js';
export { learningRateAt, type Schedule } from './steps/schedule.js';
export {
  createTrainingStep,
  type StepResult,
  type TrainingStep,
  type TrainingStepOptions,
} from './steps/training-step.js';
export type { TrainOptions } from './train-options.js';
export { type TrainRun, train } from './trainer.js';
export { type TrainingRecord, trainingMetrics, type ValidationResult } from './training-record.js';
