import { basename } from 'node:path';
import { checkWritable, formatPercent, formatPercentRange, quote } from '@gram/base';
import { type PreferencePair, writeJsonl } from '@gram/data';
import { createProgress, page, type Table, textTable, writePage } from '@gram/report';
import {
  type AttackResult,
  type JudgeAttack,
  judgeAttacks,
  judgePromptAttacks,
  judgePromptOf,
  measureAttacks,
} from '@gram/reward';
import type { Io } from '../command.js';
import { CliError } from '../error.js';
import { type JudgeSettings, loadJudge } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';
import { nearest } from '../nearest.js';

/** The request of `gram eval --attacks`. */
export interface AttackRequest {
  readonly pairs: readonly PreferencePair[];
  readonly attacks: readonly JudgeAttack[];
  readonly seed: number | undefined;
  /** A file for one line for each attack; a page is written beside it. */
  readonly out: string | undefined;
  readonly json: boolean;
}

/**
 * Lists the attacks on a judge that have given names, or all where none is given. Those with the delimiters of its own judging prompt
 * are among them, wherever it comes from.
 *
 * @throws {CliError} `usage` for a name that no attack has
 */
export async function attacksOn(
  { source, judgePrompt }: JudgeSettings,
  names: readonly string[],
): Promise<JudgeAttack[]> {
  const attacks = [...judgeAttacks, ...judgePromptAttacks(await judgePromptOf(source, judgePrompt))];
  const known = attacks.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return attacks.filter(({ name }) => names.length === 0 || names.includes(name));
  const near = nearest(unknown, known);
  const suggestion = near === undefined ? '' : `did you mean ${near}? `;
  throw new CliError(
    'usage',
    `--attack cannot be ${quote(unknown)}`,
    `${suggestion}give one of ${known.join(', ')}`,
  );
}

/** Measures how often attacks on the judge beat honest responses. */
export async function evaluateAttacks(
  { pairs, attacks, seed, out, json }: AttackRequest,
  settings: JudgeSettings,
  io: Io,
): Promise<void> {
  if (out !== undefined) await checkWritable(out);
  const model = await loadJudge(settings, io);
  const total = attacks.length * pairs.length;
  const progress = createProgress({ label: 'attacks', total, unit: 'comparisons', stream: io.stderr });
  const onProgress = (done: number) => progress.update(done);
  let results: AttackResult[];
  try {
    results = await explainOverlong(() =>
      measureAttacks(model, pairs, { attacks, seed, signal: io.signal, onProgress }),
    );
    progress.finish();
  } finally {
    model.dispose();
  }
  io.stdout.write(
    json
      ? `${JSON.stringify({ pairs: pairs.length, attacks: results })}\n`
      : `${textTable(attackTable(results))}\n\n${pairs.length} pairs; each attack against the chosen response\n`,
  );
  // Last: a disk that filled up meanwhile must not take what was computed with it.
  if (out !== undefined) {
    await writeJsonl(out, results);
    await writePage(pagePath(out), attackPage(results, basename(settings.source)));
  }
}

/** The page beside a file of results: `.html` in the place of `.jsonl`. */
function pagePath(out: string): string {
  return `${out.replace(/\.jsonl?$/, '')}.html`;
}

function attackPage(results: readonly AttackResult[], model: string): string {
  const [first] = results;
  return page({
    title: `Attacks on ${model}`,
    subtitle: `${results.length} attacks, ${first?.pairs ?? 0} pairs each`,
    sections: [
      {
        heading: 'Wins',
        paragraphs: [
          'How often a response that is made to fool a judge beats the chosen response of a pair. A sound judge lets what stands alone win next to never.',
          'What needs a response to hide in stands below the rejected one; "rejected alone" says how often that wins by itself.',
        ],
        tables: [attackTable(results)],
      },
    ],
  });
}

function attackTable(results: readonly AttackResult[]): Table {
  return {
    columns: [
      { name: 'attack' },
      { name: 'wins', align: 'right' },
      { name: '95 % interval', align: 'right' },
      { name: 'mean probability' },
      { name: 'cut', align: 'right' },
      { name: 'escaped', align: 'right' },
    ],
    rows: results.map(({ name, winRate, interval, probability, truncated, neutralized }) => [
      name,
      formatPercent(winRate),
      formatPercentRange(interval),
      probability,
      truncated,
      neutralized,
    ]),
  };
}
