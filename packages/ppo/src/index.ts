export { type Experience, type MeasuredResponse, makeExperience } from './advantages/experience.js';
export { type GaeOptions, gae } from './advantages/gae.js';
export { type GrpoOptions, grpoAdvantages, rlooAdvantages } from './advantages/groups.js';
export {
  describeRatios,
  type RatioSummary,
  summarizeRatios,
  truncatedRatios,
} from './advantages/importance.js';
export { adaptedKlWeight, type KlControl } from './advantages/kl-weight.js';
export { responseRewards } from './advantages/response-rewards.js';
export { whiten } from './advantages/whiten.js';
export { type BestOfNRun, chooseResponses } from './best-of-n/best-of-n.js';
export type { BestOfNOptions, Candidate, Choice } from './best-of-n/choose.js';
export type { BestOfNSummary } from './best-of-n/report.js';
export { PpoError, type PpoErrorCode } from './error.js';
export { type LossAggregation, responseWeight, tokenWeight } from './losses/aggregation.js';
export { entropies } from './losses/entropy.js';
export { fullKl, type KlEstimator, klEstimate, klTerms } from './losses/kl.js';
export { type ClipRange, type PolicyTerms, policyTerms } from './losses/policy-loss.js';
export { valueLosses } from './losses/value-loss.js';
export { type PolicyExample, type PolicyOptions, policyObjective } from './objectives/policy.js';
export { type ValueExample, valueObjective } from './objectives/value.js';
export {
  type AdvantageEstimator,
  type PpoOptions,
  type PpoOptionsInput,
  ppoOptions,
  type SamplingOptions,
} from './options.js';
export { type PreparedBestOfN, prepareBestOfN } from './preparation/best-of-n.js';
export { describeRlhfOnGpus } from './preparation/gpus.js';
export {
  type PreparedRlhf,
  type PrepareOptions,
  prepareRlhf,
  type RlhfMethod,
  rlhfMethods,
} from './preparation/prepare.js';
export type { LoadedPrompts } from './preparation/prompts.js';
export { failedTogether } from './ranks/together.js';
export { type RemoteForm, type RemoteRewardOptions, remoteReward } from './rewards/http-reward.js';
export type { NamedReward } from './rewards/named-reward.js';
export type { FailurePolicy } from './rewards/patience.js';
export type {
  GroupRewards,
  RewardContext,
  RewardedResponse,
  RewardFunction,
  RewardGroup,
} from './rewards/reward.js';
export {
  answerReward,
  preferenceReward,
  scalarReward,
  scoreGroups,
  winRateReward,
} from './rewards/reward-function.js';
export { askRewards, type ResponseRewards, type RewardedGroups } from './rewards/reward-list.js';
export {
  type FormatOptions,
  formatReward,
  type LengthOptions,
  lengthReward,
  patternReward,
} from './rewards/rules.js';
export { type ScoreQueue, standardize } from './rewards/score-queue.js';
export {
  type CollectOptions,
  collect,
  type Rollout,
  responseTokens,
  rewardGroups,
} from './rollout/collect.js';
export {
  createPolicyMeter,
  type PolicyMeasurement,
  type PolicyMeter,
  type PolicyMeterOptions,
  type PolicySample,
} from './rollout/policy-meter.js';
export type { RunPrompt, StopConditions } from './rollout/run-prompt.js';
export {
  createTokenMeter,
  type PlacedModel,
  type ReferenceMeasure,
  type TokenMeter,
  type TokenMeterModels,
} from './rollout/token-meter.js';
export type {
  ModelParts,
  PpoEvaluation,
  PpoPrecision,
  PpoResult,
  PpoRun,
  PpoStepRecord,
  StopReason,
  ValueModel,
} from './run/run.js';
export { formatRlhfConfig, loadBestOfNConfig, loadRlhfConfig } from './settings/read-config.js';
export {
  type BestOfNConfig,
  bestOfNReference,
  type RewardConfig,
  type RlhfConfig,
  rlhfReference,
} from './settings/schema.js';
export { miniBatches, planStep, promptsOfStep, type StepPlan } from './steps/schedule.js';
export { ppo } from './trainer.js';
export { valueModelFrom } from './value-model.js';
