export { belowRejected, type JudgeAttack, standingAlone } from './attacks/attack.js';
export { type AnswerDelimiters, delimiterAttacks, type PromptDelimiters } from './attacks/delimiters.js';
export { judgeAttacks } from './attacks/judge-attacks.js';
export { type AttackOptions, type AttackResult, measureAttacks } from './attacks/measure-attacks.js';
export type {
  BenchmarkDefinition,
  BenchmarkMatrices,
  BenchmarkMatrix,
  DataFile,
} from './benchmark/definition.js';
export type { BenchmarkItem } from './benchmark/item.js';
export type { BenchmarkResult, ComparedPair, JudgedItem, Verdict } from './benchmark/judged-item.js';
export type { ScoreTable } from './benchmark/score-table.js';
export { subsetMeans } from './benchmark/subset-means.js';
export { type Benchmark, readBenchmark } from './benchmark-runs/read.js';
export {
  type BenchmarkFingerprint,
  benchmarkFingerprint,
  openResults,
  type ResultsFile,
} from './benchmark-runs/results-file.js';
export { type BenchmarkOptions, type BenchmarkRun, resumePoint, runBenchmark } from './benchmark-runs/run.js';
export {
  type DisposableComparator,
  type FolderOptions,
  type FolderSummary,
  runBenchmarkInFolder,
} from './benchmark-runs/run-in-folder.js';
export { takeShare } from './benchmark-runs/share.js';
export { type BenchmarkSummary, type GroupScore, summarizeBenchmark } from './benchmark-runs/summary.js';
export { type AutoJScore, autoJScores } from './benchmarks/auto-j.js';
export { type BenchmarkName, benchmarkNames, benchmarks, correctness } from './benchmarks/benchmarks.js';
export { type JudgeBenchScore, judgeBenchRules, judgeBenchScores } from './benchmarks/judge-bench.js';
export { type LlmBarScore, llmBarScores } from './benchmarks/llmbar.js';
export { type LanguageScores, mRewardBenchScores } from './benchmarks/m-reward-bench.js';
export { type PandaLmScores, pandaLmScores } from './benchmarks/panda-lm.js';
export { ppeCorrectnessScores } from './benchmarks/ppe-correctness.js';
export { rewardBenchScores, rewardBenchSections, type SectionScore } from './benchmarks/reward-bench.js';
export { rewardBench2Scores, type TiesScore, tiesScore } from './benchmarks/reward-bench-2.js';
export { type RewardMathScores, rewardMathScores } from './benchmarks/reward-math.js';
export { type RmBenchDomain, type RmBenchScores, rmBenchScores } from './benchmarks/rm-bench.js';
export { type RmbScores, rmbScores } from './benchmarks/rmb.js';
export { checkTexts } from './comparator/check-texts.js';
export type {
  Comparator,
  Comparison,
  ComparisonItem,
  Judge,
  ResponseItem,
  RewardModelKind,
  RunOptions,
  ScoredResponse,
} from './comparator/comparator.js';
export { RewardError, type RewardErrorCode } from './comparator/error.js';
export { type FlagRecorder, recordFlags, type TextFlags } from './comparator/record-flags.js';
export { sigmoid } from './comparator/sigmoid.js';
export { type Calibration, calibration, type ReliabilityBin } from './evaluation/calibration.js';
export {
  compareResults,
  type ItemScore,
  mcNemar,
  type ResultComparison,
} from './evaluation/compare-results.js';
export {
  type Accuracy,
  type EvaluatedPair,
  type EvaluateOptions,
  type Evaluation,
  evaluatePairs,
} from './evaluation/evaluate.js';
export { type FlipReport, preferenceFlips } from './evaluation/flips.js';
export { type LengthControlled, type LengthGroup, lengthControlled } from './evaluation/lengths.js';
export { type OrderEffect, orderEffect } from './evaluation/order-effect.js';
export { shareInterval } from './evaluation/share-interval.js';
export { createEnsemble, type EnsembleOptions } from './models/ensemble.js';
export { type JudgeFunction, rewardModelFromFunction } from './models/from-function.js';
export { createRemoteRewardModel, type RemoteOptions } from './models/remote.js';
export { readJson } from './models/remote-answers.js';
export { type RerankingModel, rerankingModel } from './models/reranking-model.js';
export { type GroupReward, rewardFunction } from './models/reward-function.js';
export { type RewardModel, rewardModelFromComparator } from './models/reward-model.js';
export { rank, rankAll, rankCost } from './ranking/rank.js';
export {
  type RankCost,
  type RankedPair,
  type RankItem,
  type Ranking,
  type RankOptions,
  type RankStrategy,
  rankStrategies,
  type StrategyChoice,
  type StrategyOptions,
} from './ranking/ranking.js';
export type { Aggregate } from './ranking/round-robin.js';
export { knockout, linearScan, mergeSort, roundRobin, swiss } from './ranking/strategies.js';
export {
  type BestOfNPoint,
  bestOfN,
  bestOfNCurve,
  bestOfNKl,
  type Choice,
  type ChoiceItem,
  type MeanReward,
  type SampleRewards,
} from './scores/best-of-n.js';
export { type GroupScoreOptions, groupScores, type ResponseGroup } from './scores/group-scores.js';
export { type ReferenceItem, referenceScores } from './scores/reference-scores.js';
