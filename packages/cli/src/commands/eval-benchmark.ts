import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { type BenchmarkName, readBenchmark } from '@gram/data';
import { createProgress, writePage } from '@gram/report';
import { type BenchmarkResult, runBenchmark, summarizeBenchmark } from '@gram/reward';
import type { Io } from '../command.js';
import { CliError } from '../error.js';
import { type JudgeSettings, loadJudge } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';
import { benchmarkPage, benchmarkText } from './benchmark-report.js';
import { fingerprintOf, openResults, type ResultsFile } from './benchmark-results.js';

/** What `gram eval --benchmark` was asked for. */
export interface BenchmarkRequest {
  readonly name: BenchmarkName;
  readonly data: string;
  /** The directory of the results. */
  readonly out: string;
  readonly limit: number | undefined;
  readonly seed: number | undefined;
  readonly json: boolean;
}

/**
 * Runs a benchmark, or goes on with it. `out` gets `items.jsonl` while it runs, then `summary.json` and `report.html`, which
 * follow from the first alone: they are the same bytes however often the run was interrupted.
 */
export async function evaluateBenchmark(
  { name, data, out, limit, seed, json }: BenchmarkRequest,
  settings: JudgeSettings,
  io: Io,
): Promise<void> {
  const benchmark = await readBenchmark(data, name);
  const items = benchmark.items.slice(0, limit);
  await mkdir(out, { recursive: true }).catch((cause) => {
    const hint = 'choose an --out in a folder that you may write to';
    throw new CliError('unwritable', `can not write to ${out}`, hint, { cause });
  });
  const fingerprint = await fingerprintOf(name, items, settings, io.signal);
  const file = await openResults(join(out, 'items.jsonl'), fingerprint, items);
  let results: readonly BenchmarkResult[];
  try {
    results = file.done.length === items.length ? file.done : await judge();
  } finally {
    await file.close();
  }
  const summary = { ...summarizeBenchmark(name, results, { seed }), dropped: benchmark.dropped, fingerprint };
  await writeFileAtomic(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  await writePage(join(out, 'report.html'), benchmarkPage(summary, basename(settings.source)));
  io.stdout.write(json ? `${JSON.stringify(summary)}\n` : benchmarkText(summary));

  async function judge(): Promise<readonly BenchmarkResult[]> {
    if (file.done.length > 0)
      io.stderr.write(`going on after ${file.done.length} of ${items.length} items\n`);
    const model = await loadJudge(settings, io);
    let written = file.done.length;
    const total = items.reduce((sum, { pairs }) => sum + pairs.length, 0);
    const progress = createProgress({ label: name, total, unit: 'comparisons', stream: io.stderr });
    try {
      const found = await explainOverlong(() =>
        runBenchmark(
          model,
          { name, items },
          options(
            file,
            io,
            (count) => progress.update(count),
            (n) => (written += n),
          ),
        ),
      );
      progress.finish();
      return found;
    } catch (cause) {
      if (!io.signal.aborted) throw cause;
      throw new CliError(
        'interrupted',
        `interrupted after ${written} of ${items.length} items`,
        'run the same command again to go on',
        { cause },
      );
    } finally {
      model.dispose();
    }
  }
}

function options(
  file: ResultsFile,
  io: Io,
  onProgress: (done: number) => void,
  onWritten: (items: number) => void,
) {
  return {
    done: file.done,
    signal: io.signal,
    onProgress,
    async onResults(results: readonly BenchmarkResult[]) {
      await file.append(results);
      onWritten(results.length);
    },
  };
}
