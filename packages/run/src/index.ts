export { checkpointPath, latestCheckpoint, listCheckpoints } from './checkpoints/checkpoints.js';
export {
  differingParts,
  type Fingerprint,
  fingerprintOf,
  fingerprintOfWeights,
  fingerprintsOf,
} from './checkpoints/fingerprint.js';
export {
  brokenCheckpoint,
  type CheckpointProgress,
  checkFiles,
  checkFinite,
  checkProgress,
  readPart,
  writeCheckpoint,
} from './checkpoints/manifest.js';
export { type ConductOptions, conductRun, isStopped, type RunOutcome } from './conduct/conduct-run.js';
export { type FollowedRun, type FollowedSource, followRun } from './conduct/follow-run.js';
export type { RunHooks, RunState, RunTrainer } from './conduct/trainer.js';
export {
  estimateCost,
  formatCost,
  type MemorySizes,
  memoryOfRun,
  type RunCost,
  type RunSizes,
  trainingFlop,
} from './cost.js';
export { RunError, type RunErrorCode } from './error.js';
export {
  bytesOfGpu,
  fitsOnGpu,
  type GpuLoad,
  type GpuUse,
  type GradientSum,
  type Sharing,
  secondsOnGpus,
} from './gpus/load.js';
export { describeGpus, type GpuPlan } from './gpus/table.js';
export { GPU_TYPES, type GpuType } from './gpus/types.js';
export { type BestBy, bestRecord, bestStep, type Curve, type RunMetrics } from './metrics.js';
export { type Lock, type LockOptions, type LockTiming, takeLock } from './output/lock.js';
export { checkpointFor, claimOutput, isVacant, type OutputClaim, resumePoint } from './output/output.js';
export type { Numbers, StepRecord } from './record.js';
export { type Cell, code as codeSpan } from './report/markdown.js';
export { type ModelCardFacts, modelCard } from './report/model-card.js';
export { type RunReport, writeRunReport } from './report/report-page.js';
export { settingRows } from './report/settings.js';
export { createStepMeter, type StepCost, type WatchedStep } from './step-meter.js';
export { openWatchServer, type WatchServer } from './watch/server.js';
export { startWatch, type Watch, type WatchOptions } from './watch/watch.js';
