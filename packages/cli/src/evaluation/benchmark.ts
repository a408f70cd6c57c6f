import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checkModelMemory } from '@gram/model';
import { createProgress, writePage } from '@gram/report';
import {
  type BenchmarkName,
  judgeFingerprint,
  readBenchmark,
  runBenchmarkInFolder,
  takeShare,
} from '@gram/reward';
import { claimOutput } from '@gram/run';
import type { Io } from '../command.js';
import { CliError } from '../error.js';
import { type JudgeSettings, loadJudge } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';
import { benchmarkPage, benchmarkText } from './benchmark-report.js';

/** The request of `gram eval --benchmark`. */
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
 * Runs a benchmark in the folder `out`, or continues it there, as the only process that writes to it; see
 * `runBenchmarkInFolder`. The folder also gets `report.html`, which follows from the results alone.
 *
 * @throws {RunError} `in-use`, `output-lost`, `unwritable`; whatever `runBenchmarkInFolder` throws
 */
export async function evaluateBenchmark(
  { name, data, out, limit, seed, json }: BenchmarkRequest,
  settings: JudgeSettings,
  io: Io,
): Promise<void> {
  const { items: all, dropped } = await readBenchmark(data, name);
  const items = limit === undefined ? all : takeShare(all, limit);
  // Results of earlier runs are shown without the model; all other runs open it, and hashing a large one takes minutes.
  if (!existsSync(join(out, 'items.jsonl'))) await checkModelMemory(settings.source, settings.precision);
  const judge = await judgeFingerprint(settings.source, { ...settings, signal: io.signal });
  const total = items.reduce((sum, { pairs }) => sum + pairs.length, 0);
  const progress = createProgress({ label: name, total, unit: 'comparisons', stream: io.stderr });
  const run = { started: false, written: 0 };
  const load = () => {
    run.started = true;
    if (run.written > 0) io.stderr.write(`going on after ${run.written} of ${items.length} items\n`);
    return loadJudge(settings, io);
  };
  const folder = await claimOutput(out);
  try {
    const summary = await explainOverlong(() =>
      runBenchmarkInFolder(out, { name, items }, load, {
        seed,
        judge,
        dropped,
        signal: io.signal,
        onProgress: (done) => progress.update(done),
        onItems: (written) => {
          folder.lost.throwIfAborted();
          run.written = written;
        },
      }),
    );
    if (run.started) progress.finish();
    io.stdout.write(json ? `${JSON.stringify(summary)}\n` : benchmarkText(summary));
    await writePage(join(out, 'report.html'), benchmarkPage(summary, basename(settings.source)));
  } catch (cause) {
    folder.lost.throwIfAborted();
    if (!io.signal.aborted || !run.started) throw cause;
    const message = `interrupted after ${run.written} of ${items.length} items`;
    throw new CliError('interrupted', message, 'run the same command again to go on', { cause });
  } finally {
    await folder.release();
  }
}
