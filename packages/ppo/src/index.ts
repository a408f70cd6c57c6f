export { type GaeOptions, gae } from './advantages/gae.js';
export { grpoAdvantages, rlooAdvantages } from './advantages/groups.js';
export { whiten } from './advantages/whiten.js';
export { PpoError } from './error.js';
export { type Experience, type MeasuredResponse, makeExperience } from './experience.js';
export { fullKl, type KlEstimator, klEstimate, klTerms } from './kl.js';
export { type PolicyTerms, policyTerms } from './losses/policy-loss.js';
export { valueLosses } from './losses/value-loss.js';
export {
  createPolicyMeter,
  type PolicyMeasurement,
  type PolicyMeter,
  type PolicyMeterOptions,
} from './measure-policy.js';
export { type PolicyExample, type PolicyOptions, policyObjective } from './objectives/policy.js';
export { type ValueExample, valueObjective } from './objectives/value.js';
export { type AdvantageEstimator, type PpoOptions, type PpoOptionsInput, ppoOptions } from './options.js';
export { responseRewards } from './response-rewards.js';
export {
  preferenceReward,
  type RewardContext,
  type RewardFunction,
  type RewardGroup,
  scalarReward,
  scoreGroups,
} from './reward-function.js';
export {
  type CollectOptions,
  collect,
  type Rollout,
  rewardGroups,
  type SamplingOptions,
} from './rollout/collect.js';
export { createTokenMeter, type ReferenceMeasure, type TokenMeter } from './rollout/measure.js';
export type { ModelParts, PpoEvaluation, PpoResult, PpoRun, PpoStepRecord, StopReason } from './run.js';
export { miniBatches, planStep, promptsOfStep, type StepPlan } from './schedule.js';
export { type ScoreQueue, standardise } from './score-queue.js';
export { ppo } from './trainer.js';
export { valueModelFrom } from './value-model.js';
