export { type BatchPlan, epochBatches, totalSteps } from './batches.js';
export {
  type Checkpoint,
  checkpointPath,
  latestCheckpoint,
  loadCheckpoint,
  type StepRecord,
  saveCheckpoint,
  type TrainingState,
} from './checkpoint.js';
export { type PreparedTraining, prepareTraining } from './config/prepare.js';
export { formatTrainingConfig, readTrainingConfig } from './config/read-config.js';
export type { ScratchConfig, TrainingConfig, TrainingStage } from './config/schema.js';
export { type Examples, encodePreferences, encodeResponsePairs, encodeRewardPairs } from './encode.js';
export { TrainError } from './error.js';
export { bradleyTerry, type RewardExample } from './objectives/bradley-terry.js';
export type { Batch, Objective, ObjectiveResult } from './objectives/objective.js';
export { type GenerationExample, pairGeneration } from './objectives/pair-generation.js';
export { type PreferenceExample, type PreferenceOptions, preference } from './objectives/preference.js';
export { paperSmoothing, type SmoothingConvention, smoothedRankingLoss } from './objectives/smoothing.js';
export { type AdamWOptions, adamW, type Moments, type Optimizer } from './optimizers/adamw.js';
export { cosineWithWarmup, type Schedule } from './schedule.js';
export { type TrainOptions, type TrainRun, train } from './trainer.js';
export { createTrainingStep, lossAndGradients, type StepResult, type TrainingStep } from './training-step.js';
