export { type Calibration, calibration, type ReliabilityBin } from './benchmarks/calibration.js';
export { compareModels, type ItemScore, type ModelComparison, mcNemar } from './benchmarks/compare.js';
export { type JudgeBenchScore, judgeBenchRules, judgeBenchScores } from './benchmarks/judge-bench.js';
export { type LengthControlled, type LengthGroup, lengthControlled } from './benchmarks/lengths.js';
export { type PandaLmScores, pandaLmScores } from './benchmarks/panda-lm.js';
export { type BenchmarkResult, type ComparedPair, correctness, type Judged } from './benchmarks/result.js';
export { rewardBenchScores, rewardBenchSections, type SectionScore } from './benchmarks/reward-bench.js';
export { rewardBench2Scores, type TiesScore, tiesScore } from './benchmarks/reward-bench-2.js';
export { type RmBenchDomain, type RmBenchScores, rmBenchScores } from './benchmarks/rm-bench.js';
export { type RmbScores, rmbScores } from './benchmarks/rmb.js';
export { type BenchmarkOptions, type BenchmarkRun, resumePoint, runBenchmark } from './benchmarks/run.js';
export { llmBarScores, subsetMeans } from './benchmarks/subset-means.js';
export { type BenchmarkSummary, type GroupScore, summarizeBenchmark } from './benchmarks/summary.js';
export type { ScoreTable } from './benchmarks/table.js';
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
export {
  createDiscriminativeRewardModel,
  type DiscriminativeOptions,
  type DiscriminativeRewardModel,
  type ResponseItem,
  type ScoredResponse,
} from './discriminative.js';
export { type EnsembleOptions, ensembleOf } from './ensemble.js';
export { RewardError } from './error.js';
export {
  type Accuracy,
  type EvaluatedPair,
  type EvaluateOptions,
  type Evaluation,
  evaluatePairs,
} from './evaluate.js';
export { type FlipReport, preferenceFlips } from './flips.js';
export { type JudgeFunction, rewardModelFromFunction } from './from-function.js';
export {
  createGenerativeRewardModel,
  type GenerativeOptions,
  type GenerativeRewardModel,
} from './generative.js';
export { type LoadOptions, loadRewardModel } from './load.js';
export { type OrderEffect, orderEffect } from './order-effect.js';
export { rank, rankAll } from './rank.js';
export {
  type Judge,
  type RankItem,
  type Ranking,
  type RankOptions,
  type RankStrategy,
  rankStrategies,
} from './ranking/ranking.js';
export type { Aggregate } from './ranking/round-robin.js';
export { knockout, linearScan, mergeSort, roundRobin, swiss } from './ranking/strategies.js';
export { createRemoteRewardModel, type RemoteOptions } from './remote.js';
export { type RerankingModel, rerankingModel } from './reranking-model.js';
export { groupScores, type ResponseGroup, rewardFunction } from './reward-function.js';
export type {
  Comparator,
  Comparison,
  ComparisonItem,
  RewardModel,
  RunOptions,
} from './reward-model.js';
export {
  type AttackOptions,
  type AttackResult,
  type JudgeAttack,
  judgeAttacks,
  measureAttacks,
} from './robustness.js';
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
