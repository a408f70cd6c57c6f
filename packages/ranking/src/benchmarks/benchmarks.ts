import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { everyPairRight, type JudgedItem } from '../benchmark/judged-item.js';
import { autoJ } from './auto-j.js';
import { helpSteer } from './helpsteer.js';
import { hhh } from './hhh.js';
import { judgeBench } from './judge-bench.js';
import { llmBar } from './llmbar.js';
import { mRewardBench } from './m-reward-bench.js';
import { mtBench } from './mt-bench.js';
import { pandaLm } from './panda-lm.js';
import { ppeCorrectness } from './ppe-correctness.js';
import { ppeHumanPreference } from './ppe-human-preference.js';
import { rewardBench } from './reward-bench.js';
import { rewardBench2 } from './reward-bench-2.js';
import { rewardMath } from './reward-math.js';
import { rmBench } from './rm-bench.js';
import { rmb } from './rmb.js';
import { unifiedFeedback } from './unified-feedback.js';

const definitions = {
  'reward-bench': rewardBench,
  'reward-bench-2': rewardBench2,
  'rm-bench': rmBench,
  'judge-bench': judgeBench,
  llmbar: llmBar,
  hhh,
  rmb,
  pandalm: pandaLm,
  'mt-bench': mtBench,
  'unified-feedback': unifiedFeedback,
  'ppe-human-preference': ppeHumanPreference,
  'ppe-correctness': ppeCorrectness,
  'm-reward-bench': mRewardBench,
  'reward-math': rewardMath,
  'auto-j': autoJ,
  helpsteer: helpSteer,
} as const satisfies Record<string, BenchmarkDefinition>;

/** Name of a benchmark; `benchmarkNames` lists them. */
export type BenchmarkName = keyof typeof definitions;

/** The benchmarks by name. Each has its format, its rule and its scores in one file of this folder. */
export const benchmarks: Readonly<Record<BenchmarkName, BenchmarkDefinition>> = definitions;

/** Names of the benchmarks that `readBenchmark` reads. */
export const benchmarkNames = Object.keys(definitions) as readonly BenchmarkName[];

/** Says how right a model is on an item, 0 to 1, by the rule of the benchmark. */
export function correctness(name: BenchmarkName, item: JudgedItem): number {
  return benchmarks[name].correctness?.(item) ?? everyPairRight(item);
}
