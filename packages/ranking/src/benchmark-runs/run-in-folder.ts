import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import type { BenchmarkResult } from '../benchmark/judged-item.js';
import type { Comparator, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import { type BenchmarkFingerprint, benchmarkFingerprint, openResults } from './results-file.js';
import { type BenchmarkRun, runBenchmark } from './run.js';
import { type BenchmarkSummary, summarizeBenchmark } from './summary.js';

/** A comparator that is freed after use. */
export interface DisposableComparator extends Comparator {
  dispose(): void;
}

/** Options of `runBenchmarkInFolder`. */
export interface FolderOptions extends RunOptions {
  /** Seed of the bootstrap. @default 0 */
  readonly seed?: number | undefined;
  /** Everything that the answers of the judge depend on, such as the hash of the model and how it is asked. */
  readonly judge: BenchmarkFingerprint;
  /** Number of records without a verdict that the benchmark left out; the summary names it. @default 0 */
  readonly dropped?: number;
  /** Receives the number of items that are on the disk: at the start what an earlier run left, then after each group. */
  readonly onItems?: (done: number, total: number) => void;
}

/** Content of `summary.json`, which `runBenchmarkInFolder` writes. */
export interface FolderSummary extends BenchmarkSummary {
  readonly dropped: number;
  readonly fingerprint: BenchmarkFingerprint;
}

/**
 * Runs a benchmark in a folder, or continues it there. The folder gets `items.jsonl` while the benchmark runs, then
 * `summary.json`, which follows from the first alone: both are the same bytes however often the run was interrupted.
 *
 * @param loadModel loads the judge; it is called only where items are left to judge
 * @throws RewardError `other-run` where the folder holds results of something else, `bad-results`, `unwritable`; whatever
 * `loadModel` and `compare` throw
 */
export async function runBenchmarkInFolder(
  folder: string,
  benchmark: BenchmarkRun,
  loadModel: () => Promise<DisposableComparator>,
  { seed, judge, dropped = 0, ...options }: FolderOptions,
): Promise<FolderSummary> {
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    const hint = 'choose a folder that you may write to';
    throw new RewardError('unwritable', `cannot write to ${folder}`, hint, { cause });
  });
  const fingerprint = benchmarkFingerprint(benchmark, judge);
  const results = await judgedItems(join(folder, 'items.jsonl'), fingerprint, benchmark, loadModel, options);
  const summary = { ...summarizeBenchmark(benchmark.name, results, { seed }), dropped, fingerprint };
  await writeFileAtomic(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

async function judgedItems(
  path: string,
  fingerprint: BenchmarkFingerprint,
  benchmark: BenchmarkRun,
  loadModel: () => Promise<DisposableComparator>,
  { onItems, ...options }: Pick<FolderOptions, 'signal' | 'onProgress' | 'onItems'>,
): Promise<readonly BenchmarkResult[]> {
  const total = benchmark.items.length;
  const file = await openResults(path, fingerprint, benchmark);
  try {
    let written = file.done.length;
    onItems?.(written, total);
    if (written === total) return file.done;
    const model = await loadModel();
    try {
      return await runBenchmark(model, benchmark, {
        ...options,
        done: file.done,
        async onResults(results) {
          await file.append(results);
          written += results.length;
          onItems?.(written, total);
        },
      });
    } finally {
      model.dispose();
    }
  } finally {
    await file.close();
  }
}
