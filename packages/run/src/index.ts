export { bestRecord } from './checkpoints/best.js';
export {
  checkpointPath,
  latestCheckpoint,
  listSnapshots,
  pruneSnapshots,
  type Retention,
  type SnapshotKind,
  snapshotPath,
} from './checkpoints/checkpoints.js';
export { fingerprint } from './checkpoints/fingerprint.js';
export {
  bestStep,
  type ConductOptions,
  conductRun,
  isStopped,
  type RunHooks,
  type RunOutcome,
  type RunState,
  type RunTrainer,
} from './conduct/conduct-run.js';
export { estimateCost, formatCost, type RunCost, type RunSizes } from './cost.js';
export { RunError, type RunErrorCode } from './error.js';
export { checkpointFor, claimOutput, isVacant, resumePoint } from './output/output.js';
export type { StepRecord, ValidationResult } from './record.js';
export { type ModelCardFacts, modelCard } from './report/model-card.js';
export { type RunReport, writeRunReport } from './report/report-page.js';
export type { RunSettings } from './report/settings.js';
export { createStepMeter, type StepCost, type WatchedStep } from './step-meter.js';
export { openWatchServer, type WatchServer } from './watch/server.js';
export { startWatch, type Watch, type WatchOptions } from './watch/watch.js';
