import {
  type PreferenceFormat,
  type PreferencePair,
  preferenceFormats,
  readPreferences,
  writeJsonl,
} from '@gram/data';
import { createProgress, formatDuration, textTable } from '@gram/report';
import { type Accuracy, type Evaluation, evaluatePairs, loadRewardModel } from '@gram/reward';
import { defineCommand } from '../command.js';
import { wholeNumber } from '../parse-flags.js';
import { cutOrRefuse, explainTooLong, tooLong } from './too-long.js';

/** `gram eval`: how often a model prefers the better response. */
export const evaluateCommand = defineCommand({
  name: 'eval',
  summary: 'Measures how often a reward model prefers the chosen response of judged pairs.',
  flags: {
    model: { value: 'DIR', required: true, help: 'Directory of a reward model.' },
    data: { value: 'FILE', required: true, help: 'Judged pairs, .jsonl or .json, gzipped or not.' },
    format: { value: 'NAME', choices: preferenceFormats, help: 'What a record holds; default preference.' },
    limit: { value: 'N', help: 'Read only the first N pairs.' },
    'too-long': tooLong,
    seed: { value: 'N', help: 'Seed of the bootstrap interval; default 0.' },
    out: { value: 'FILE', help: 'Write one JSON line for each pair.' },
    json: { help: 'Print JSON.' },
  },
  example: 'gram eval --model runs/one/model --data test.jsonl --format preference --out test-results.jsonl',
  cost: 'loading the model and two forward passes a pair.',
  async run(values, io) {
    const limit = values.limit === undefined ? undefined : wholeNumber('limit', values.limit, 1);
    const seed = values.seed === undefined ? undefined : wholeNumber('seed', values.seed, 0);
    let dropped = 0;
    const format = (values.format ?? 'preference') as PreferenceFormat;
    const pairs: PreferencePair[] = [];
    for await (const pair of readPreferences(values.data, format, { dropped: () => dropped++ })) {
      pairs.push(pair);
      if (pairs.length === limit) break;
    }
    const model = await loadRewardModel(values.model, { overlong: cutOrRefuse(values['too-long']) });
    const progress = createProgress({ label: 'eval', total: pairs.length, unit: 'pairs', stream: io.stderr });
    try {
      const { items, ...summary } = await explainTooLong(() =>
        evaluatePairs(model, pairs, {
          seed,
          signal: io.signal,
          onProgress: (done) => progress.update(done),
        }),
      );
      progress.finish();
      if (values.out !== undefined) await writeJsonl(values.out, items);
      io.stdout.write(
        values.json ? `${JSON.stringify({ ...summary, dropped })}\n` : described(summary, dropped),
      );
    } finally {
      model.dispose();
    }
  },
});

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function described(summary: Omit<Evaluation, 'items'>, dropped: number): string {
  const row = (name: string, { accuracy, interval, pairs }: Accuracy) => [
    name,
    percent(accuracy),
    `${percent(interval[0])} to ${percent(interval[1])}`,
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
    `consistency      ${percent(summary.consistency)} of pairs get one verdict in both orders`,
    `position bias    ${summary.meanPositionBias.toFixed(3)} mean change of probability with the order`,
    `speed            ${summary.pairsPerSecond.toFixed(1)} pairs/s, ${formatDuration(summary.seconds)} in all`,
  ];
  if (summary.truncated > 0) lines.push(`cut to fit       ${summary.truncated} pairs`);
  if (dropped > 0) lines.push(`left out         ${dropped} records: ties or equal responses`);
  return `${lines.join('\n')}\n`;
}
