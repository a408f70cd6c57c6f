import { formatPercent, formatPercentRange } from '@gram/base';
import { type PreferencePair, writeJsonl } from '@gram/data';
import { createProgress, textTable } from '@gram/report';
import { judgeAttacks, measureAttacks } from '@gram/reward';
import type { Io } from '../command.js';
import { type JudgeSettings, loadJudge } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';

/** What `gram eval --attacks` was asked for. */
export interface AttackRequest {
  readonly pairs: readonly PreferencePair[];
  readonly seed: number | undefined;
  /** A file for one line an attack. */
  readonly out: string | undefined;
  readonly json: boolean;
}

/** Measures how often attacks on the judge beat honest responses. */
export async function evaluateAttacks(
  { pairs, seed, out, json }: AttackRequest,
  settings: JudgeSettings,
  io: Io,
): Promise<void> {
  const model = await loadJudge(settings, io);
  const total = judgeAttacks.length * pairs.length;
  const progress = createProgress({ label: 'attacks', total, unit: 'comparisons', stream: io.stderr });
  try {
    const results = await explainOverlong(() =>
      measureAttacks(model, pairs, {
        seed,
        signal: io.signal,
        onProgress: (done) => progress.update(done),
      }),
    );
    progress.finish();
    if (out !== undefined) await writeJsonl(out, results);
    if (json) {
      io.stdout.write(`${JSON.stringify({ pairs: pairs.length, attacks: results })}\n`);
      return;
    }
    const table = textTable({
      columns: [
        { name: 'attack' },
        { name: 'wins', align: 'right' },
        { name: '95 % interval', align: 'right' },
        { name: 'mean probability' },
      ],
      rows: results.map(({ name, winRate, interval, probability }) => [
        name,
        formatPercent(winRate),
        formatPercentRange(interval),
        probability,
      ]),
    });
    io.stdout.write(`${table}\n\n${pairs.length} pairs; each attack against the chosen response\n`);
  } finally {
    model.dispose();
  }
}
