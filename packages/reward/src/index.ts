export {
  type BestOfNPoint,
  bestOfN,
  bestOfNCurve,
  bestOfNKl,
  type Choice,
  type ChoiceItem,
  type MeanReward,
  type SampleRewards,
} from './best-of-n.js';
export { bootstrapInterval, type Interval, pairedBootstrap } from './bootstrap.js';
export {
  createDiscriminativeRewardModel,
  type DiscriminativeOptions,
  type DiscriminativeRewardModel,
  type ResponseItem,
  type ScoredResponse,
} from './discriminative.js';
export { RewardError } from './error.js';
export {
  type Accuracy,
  type EvaluatedPair,
  type EvaluateOptions,
  type Evaluation,
  evaluatePairs,
} from './evaluate.js';
export { type FlipReport, preferenceFlips } from './flips.js';
export {
  createGenerativeRewardModel,
  type GenerativeOptions,
  type GenerativeRewardModel,
} from './generative.js';
export { type LoadOptions, loadRewardModel } from './load.js';
export { rank } from './rank.js';
export type {
  Comparator,
  Comparison,
  ComparisonItem,
  Ranking,
  RewardModel,
  RunOptions,
} from './reward-model.js';
export {
  createResponseSampler,
  type ResponseSampler,
  type SampledPrompt,
  type SampledResponse,
  type SampleItem,
  type SampleOptions,
  type SamplerOptions,
} from './sampler.js';
export { type AgainstItem, scoreAgainst } from './score-against.js';
