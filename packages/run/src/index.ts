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
export { RunError, type RunErrorCode } from './error.js';
export { checkpointFor, claimOutput, isVacant, resumePoint } from './output/output.js';
