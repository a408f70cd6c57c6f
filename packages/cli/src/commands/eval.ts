import { createRandom, formatPercent, formatPercentRange } from '@gram/base';
import {
  type BenchmarkName,
  benchmarkNames,
  type PreferenceFormat,
  type PreferencePair,
  preferenceFormats,
  readPreferences,
  writeJsonl,
} from '@gram/data';
import { type Int8Kernel, int8Kernel } from '@gram/engine';
import type { Precision } from '@gram/model';
import { createProgress, formatDuration, textTable } from '@gram/report';
import {
  type Accuracy,
  type Evaluation,
  evaluatePairs,
  type FlipReport,
  preferenceFlips,
} from '@gram/reward';
import { defineCommand } from '../command.js';
import { CliError } from '../error.js';
import { judgeFlags, loadJudge, readJudgeFlags } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';
import { wholeNumber } from '../parse-flags.js';
import { orderLines } from './benchmark-report.js';
import { evaluateAttacks } from './eval-attacks.js';
import { evaluateBenchmark } from './eval-benchmark.js';

/** `gram eval`: how often a model prefers the better response. */
export const evaluateCommand = defineCommand({
  flags: {
    ...judgeFlags,
    data: {
      value: 'PATH',
      required: true,
      help: 'Judged pairs, .jsonl or .json, gzipped or not; of a benchmark its file or folder.',
    },
    benchmark: {
      value: 'NAME',
      choices: benchmarkNames,
      help: 'Run a benchmark in its published format, by its own rules; it can be interrupted.',
    },
    format: { value: 'NAME', choices: preferenceFormats, help: 'What a record holds; default preference.' },
    attacks: {
      help: 'Measure how often responses made to fool a judge beat the chosen ones, instead of accuracy.',
    },
    limit: { value: 'N', help: 'Read only the first N pairs or items.' },
    seed: { value: 'N', help: 'Seed of the bootstrap interval; default 0.' },
    out: {
      value: 'PATH',
      help: 'A file with one JSON line for each pair; of a benchmark the folder of its results, which it goes on from.',
    },
    json: { help: 'Print JSON.' },
  },
  example: 'gram eval --model runs/one/model --data test.jsonl --format preference --out test-results.jsonl',
  cost: 'loading the model and two forward passes a pair; both twice with int8 or int4, to compare with float32.',
  async run(values, io) {
    const limit = values.limit === undefined ? undefined : wholeNumber('limit', values.limit, 1);
    const seed = values.seed === undefined ? undefined : wholeNumber('seed', values.seed, 0);
    const benchmark = values.benchmark as BenchmarkName | undefined;
    if (benchmark !== undefined) {
      const { data, out, json } = values;
      const usage = (what: string, hint: string) =>
        new CliError('usage', `gram eval --benchmark ${what}`, hint);
      if (out === undefined) throw usage('needs a folder for its results', 'add --out DIR');
      if (values.format !== undefined) throw usage('has its own format', 'leave out --format');
      if (values.attacks) throw usage('takes no attacks', 'give --attacks with judged pairs');
      const request = { name: benchmark, data, out, limit, seed, json };
      await evaluateBenchmark(request, await readJudgeFlags(values, io), io);
      return;
    }
    const settings = await readJudgeFlags(values, io);
    let dropped = 0;
    const format = (values.format ?? 'preference') as PreferenceFormat;
    const pairs: PreferencePair[] = [];
    for await (const pair of readPreferences(values.data, format, { dropped: () => dropped++ })) {
      pairs.push(pair);
      if (pairs.length === limit) break;
    }

    if (values.attacks) {
      await evaluateAttacks({ pairs, seed, out: values.out, json: values.json }, settings, io);
      return;
    }

    // One model at a time: it is loaded, asked and freed in here.
    async function judged(precision: Precision): Promise<Judged> {
      const model = await loadJudge({ ...settings, precision }, io);
      const label = settings.precision === 'float32' ? 'eval' : `eval ${precision}`;
      const progress = createProgress({ label, total: pairs.length, unit: 'pairs', stream: io.stderr });
      try {
        const evaluation = await explainOverlong(() =>
          evaluatePairs(model, pairs, {
            seed,
            signal: io.signal,
            onProgress: (done) => progress.update(done),
          }),
        );
        progress.finish();
        return { ...evaluation, precision, weightBytes: model.weightBytes };
      } finally {
        model.dispose();
      }
    }

    const evaluation = await judged(settings.precision);
    const flips =
      settings.precision === 'float32' ? undefined : compare(await judged('float32'), evaluation, seed);
    if (values.out !== undefined) await writeJsonl(values.out, evaluation.items);
    io.stdout.write(
      values.json
        ? `${JSON.stringify({ ...evaluation, items: undefined, dropped, flips })}\n`
        : [...described(evaluation, dropped), ...(flips ? describedFlips(flips) : []), ''].join('\n'),
    );
  },
});

/** What one precision gave. */
interface Judged extends Evaluation {
  readonly precision: Precision;
  readonly weightBytes: number;
}

/** Flips against float32, and what either precision costs. */
interface Compared extends FlipReport {
  /** Form of the 8-bit weights that were compared; absent for other precisions. */
  readonly int8Kernel: Int8Kernel | undefined;
  readonly precisions: readonly Pick<Judged, 'precision' | 'accuracy' | 'pairsPerSecond' | 'weightBytes'>[];
}

function compare(reference: Judged, other: Judged, seed = 0): Compared {
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

function described(summary: Omit<Evaluation, 'items'>, dropped: number): string[] {
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
  if (dropped > 0) lines.push(`left out         ${dropped} records: ties or equal responses`);
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
