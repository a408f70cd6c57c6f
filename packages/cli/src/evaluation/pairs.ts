import { checkWritable, createRandom, formatPercent, formatPercentRange } from '@gram/base';
import { type ReadCounts, writeJsonl } from '@gram/data';
import { type Int8Kernel, int8Kernel, type Precision } from '@gram/engine';
import type { WeightPrecision } from '@gram/model';
import { createProgress, formatDuration, textTable } from '@gram/report';
import {
  type Accuracy,
  type Evaluation,
  evaluatePairs,
  type FlipReport,
  preferenceFlips,
} from '@gram/reward';
import type { Io } from '../command.js';
import type { MatrixPrecision } from '../models/device-flag.js';
import { type JudgeSettings, loadJudge } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';
import { orderLines } from './benchmark-report.js';
import type { JudgedPairsFile } from './read-pairs.js';

/** The precision that rounded matrices are compared with. */
const EXACT: MatrixPrecision = { precision: 'float32', products: 'float32' };

/** The request of `gram eval` without a benchmark and attacks. */
export interface PairsRequest extends JudgedPairsFile {
  readonly seed: number | undefined;
  /** A file for one line for each pair. */
  readonly out: string | undefined;
  readonly json: boolean;
}

/** Measures accuracy on judged pairs; with rounded weights also the flips against float32. */
export async function evaluateJudgedPairs(
  { pairs, format, records, seed, out, json }: PairsRequest,
  settings: JudgeSettings,
  io: Io,
): Promise<void> {
  if (out !== undefined) await checkWritable(out);
  const { precision, products } = settings;
  const name = products === 'float32' ? precision : products;
  const evaluation = await judged({ precision, products });
  const flips = name === 'float32' ? undefined : compare(await judged(EXACT), evaluation, seed);
  io.stdout.write(
    json
      ? `${JSON.stringify({ ...evaluation, items: undefined, format, records, flips })}\n`
      : [...described(evaluation, records), ...(flips ? describedFlips(flips) : []), ''].join('\n'),
  );
  // Last: a disk that filled up meanwhile must not take what was computed with it.
  if (out !== undefined) await writeJsonl(out, evaluation.items);

  // One model at a time: it is loaded, asked and freed in here.
  async function judged(matrices: MatrixPrecision): Promise<JudgedPairs> {
    const model = await loadJudge({ ...settings, ...matrices }, io);
    const own = matrices === EXACT ? 'float32' : name;
    const label = name === 'float32' ? 'eval' : `eval ${own}`;
    const progress = createProgress({ label, total: pairs.length, unit: 'pairs', stream: io.stderr });
    try {
      const onProgress = (done: number) => progress.update(done);
      const found = await explainOverlong(() =>
        evaluatePairs(model, pairs, { seed, signal: io.signal, onProgress }),
      );
      progress.finish();
      return { ...found, precision: own, weightBytes: model.weightBytes };
    } finally {
      model.dispose();
    }
  }
}

/** Results at one precision. */
interface JudgedPairs extends Evaluation {
  readonly precision: WeightPrecision | Precision;
  readonly weightBytes: number;
}

/** Flips against float32, with speed and memory of both precisions. */
interface Compared extends FlipReport {
  /** Form of the 8-bit weights that were compared; absent for other precisions. */
  readonly int8Kernel: Int8Kernel | undefined;
  readonly precisions: readonly Pick<
    JudgedPairs,
    'precision' | 'accuracy' | 'pairsPerSecond' | 'weightBytes'
  >[];
}

function compare(reference: JudgedPairs, other: JudgedPairs, seed = 0): Compared {
  return {
    ...preferenceFlips(reference.items, other.items, createRandom(seed, 'flips')),
    int8Kernel: other.precision === 'int8' ? int8Kernel() : undefined,
    precisions: [other, reference].map(({ precision, accuracy, pairsPerSecond, weightBytes }) => ({
      precision,
      accuracy,
      pairsPerSecond,
      weightBytes,
    })),
  };
}

function described(summary: Omit<Evaluation, 'items'>, { dropped }: ReadCounts): string[] {
  const row = (name: string, { accuracy, interval, pairs }: Accuracy) => [
    name,
    formatPercent(accuracy),
    formatPercentRange(interval),
    pairs,
  ];
  const families = Object.entries(summary.byFamily).map(([name, accuracy]) => row(name, accuracy));
  const table = textTable({
    columns: [
      { name: 'pairs' },
      { name: 'accuracy', align: 'right' },
      { name: '95 % interval', align: 'right' },
      { name: 'count' },
    ],
    rows: [row('all', summary), ...families],
  });
  const lines = [
    table,
    '',
    ...orderLines(summary.order, summary.pairs, 'pairs'),
    `speed            ${summary.pairsPerSecond.toFixed(1)} pairs/s, ${formatDuration(summary.seconds)} in all`,
  ];
  if (summary.truncated > 0) lines.push(`cut to fit       ${summary.truncated} pairs`);
  if (summary.neutralized > 0) lines.push(`escaped marks    ${summary.neutralized} pairs`);
  const left = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`);
  if (left.length > 0) lines.push(`left out         ${left.join(', ')}`);
  return lines;
}

function describedFlips({ precisions, int8Kernel: kernel, ...flips }: Compared): string[] {
  const table = textTable({
    columns: [
      { name: 'precision' },
      { name: 'accuracy', align: 'right' },
      { name: 'pairs/s', align: 'right' },
      { name: 'weights', align: 'right' },
    ],
    rows: precisions.map(({ precision, accuracy, pairsPerSecond, weightBytes }) => [
      precision,
      formatPercent(accuracy),
      pairsPerSecond.toFixed(1),
      `${(weightBytes / 1e6).toFixed(1)} MB`,
    ]),
  });
  const { count, pairs, share, interval, nearTies, meanChange, largestChange } = flips;
  return [
    '',
    table,
    '',
    `flips            ${count} of ${pairs} preferences, ${formatPercent(share)} (95 % interval ${formatPercentRange(interval)})`,
    `near ties        ${nearTies} of these flips, within 0.02 of a tie in float32`,
    `probability      ${meanChange.toFixed(4)} mean change, ${largestChange.toFixed(4)} at most`,
    ...(kernel === undefined ? [] : [`integers         ${kernel} weights, exact on this processor`]),
  ];
}
