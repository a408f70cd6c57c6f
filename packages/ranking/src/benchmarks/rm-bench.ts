import { mean, meanOrNull } from '@gram/base';
import { badField, type FileRecord, idOf, optionalText, textField, valueAt } from '@gram/data';
import type { BenchmarkDefinition, BenchmarkMatrix, DataFile } from '../benchmark/definition.js';
import { textsField } from '../benchmark/fields.js';
import type { BenchmarkItem } from '../benchmark/item.js';
import { type BenchmarkResult, verdict } from '../benchmark/judged-item.js';
import type { ScoreTable } from '../benchmark/score-table.js';

/**
 * RM-Bench (Liu et al. 2024): records `{ id, prompt, chosen: [3], rejected: [3], domain? }`, the three being concise, detailed
 * plain text and detailed markdown. Without `domain` the name of the file says it. The pairs are chosen i against rejected j,
 * i first. How right a model is on an item is the fraction of the nine comparisons that are right.
 */
export const rmBench: BenchmarkDefinition = {
  title: 'RM-Bench',
  parse,
  join: joinSamples,
  correctness: ({ comparisons, preferred }) =>
    mean(comparisons.map((pair) => Number(verdict(pair) === preferred))),
  table,
  matrices: {
    heading: 'Styles',
    explanation:
      'How often the chosen response of a style (row) is preferred to the rejected one of a style (column). Above the diagonal the rejected response is the fancier one.',
    labels: ['concise', 'detailed', 'markdown'],
    compute: (results): BenchmarkMatrix[] =>
      rmBenchScores(results).domains.map(({ domain, matrix }) => ({ domain, matrix })),
  },
};

/** Number of styles. */
const STYLES = 3;
const DOMAINS = ['chat', 'code', 'math', 'safety-refuse', 'safety-response'] as const;

function parse(from: FileRecord, { stem }: DataFile): BenchmarkItem {
  const named = optionalText(from, 'domain') ?? stem.replace(/_filtered$/, '');
  const subset = DOMAINS.find((domain) => named === domain);
  if (subset === undefined) {
    throw badField(from, 'domain', `one of ${DOMAINS.join(', ')}, nor is the file named so`);
  }
  const [chosen, rejected] = [styles(from, 'chosen'), styles(from, 'rejected')];
  return {
    id: `${subset}/${idOf(from)}`,
    subset,
    prompt: textField(from, 'prompt'),
    responses: [...chosen, ...rejected],
    pairs: chosen.flatMap((_, i) => rejected.map((_, j) => [i, STYLES + j] as const)),
    preferred: 'first',
  };
}

function styles(from: FileRecord, name: string): string[] {
  const texts = textsField(from, name);
  if (texts.length !== STYLES) throw badField(from, name, 'a list of three texts');
  return texts;
}

/**
 * Makes of each nine records the record that RM-Bench publishes. RM-Bench comes with GRAM as nine records a sample, one for
 * each pair, `{ id, prompt, chosen, rejected, domain, matrix_id }` with texts for `chosen` and `rejected`, i first. Other
 * records pass through.
 */
async function* joinSamples(records: AsyncIterable<FileRecord>): AsyncGenerator<FileRecord> {
  let group: FileRecord[] = [];
  for await (const from of records) {
    if (group.length === 0 && valueAt(from, 'matrix_id') === undefined) {
      yield from;
      continue;
    }
    group.push(from);
    if (group.length < STYLES * STYLES) continue;
    yield joined(group);
    group = [];
  }
  const last = group.at(-1);
  if (last !== undefined) throw badField(last, 'matrix_id', 'the last of nine records of one sample');
}

/** Joins the nine records of a sample; every record must repeat the id, the prompt and the two texts of its row and column. */
function joined(group: readonly FileRecord[]): FileRecord {
  const [first] = group;
  if (first === undefined) throw new RangeError('there is no record to join');
  const chosen = group.filter((_, at) => at % STYLES === 0).map((from) => textField(from, 'chosen'));
  const rejected = group.slice(0, STYLES).map((from) => textField(from, 'rejected'));
  const [id, prompt] = [idOf(first), textField(first, 'prompt')];
  for (const [at, from] of group.entries()) {
    const wanted = { prompt, chosen: chosen[Math.floor(at / STYLES)], rejected: rejected[at % STYLES] };
    const other =
      idOf(from) === id
        ? Object.entries(wanted).find(([name, text]) => textField(from, name) !== text)?.[0]
        : 'id';
    if (other !== undefined) {
      throw badField(from, other, `that of ${first.where}, with which it is one sample`);
    }
  }
  return { ...first, record: { ...first.record, chosen, rejected } };
}

/** RM-Bench on one domain. */
export interface RmBenchDomain {
  readonly domain: string;
  /** Row: style of the chosen response, column: of the rejected one; concise, detailed plain, detailed markdown. */
  readonly matrix: readonly (readonly number[])[];
  /** Above the diagonal: a plainer chosen response against a fancier rejected one. */
  readonly hard: number;
  /** The diagonal. */
  readonly normal: number;
  /** Below the diagonal. */
  readonly easy: number;
  /** Mean of the matrix. */
  readonly accuracy: number;
}

/** RM-Bench as a whole. */
export interface RmBenchScores {
  /** chat, code, math and safety, as far as there are items of them. */
  readonly domains: readonly RmBenchDomain[];
  /** Unweighted means over the domains. */
  readonly hard: number | null;
  readonly normal: number | null;
  readonly easy: number | null;
  readonly overall: number | null;
  /** Overall with the unweighted mean of the two safety parts in the place of their pooled accuracy. */
  readonly overallSafetyAveraged: number | null;
}

const SAFETY_PARTS = ['safety-refuse', 'safety-response'];

/**
 * RM-Bench (Liu et al. 2024). M[i][j] is how often a chosen response of style i is strictly preferred to a rejected one of
 * style j. Accuracies of a domain are means of M; the two safety parts are pooled item by item, as in the script that came with GRAM.
 * The official leaderboard may average them instead, so that version stands beside it.
 */
export function rmBenchScores(results: readonly BenchmarkResult[]): RmBenchScores {
  const of = (...subsets: string[]) => results.filter(({ subset }) => subsets.includes(subset));
  const parts = { chat: of('chat'), code: of('code'), math: of('math'), safety: of(...SAFETY_PARTS) };
  const domains = Object.entries(parts).flatMap(([domain, part]) =>
    part.length === 0 ? [] : [domainScores(domain, part)],
  );
  const over = (score: 'hard' | 'normal' | 'easy' | 'accuracy') =>
    meanOrNull(domains.map((domain) => domain[score]));
  const safety = SAFETY_PARTS.map((subset) => of(subset)).filter((part) => part.length > 0);
  const averaged = domains.map((scores) =>
    scores.domain === 'safety'
      ? mean(safety.map((part) => domainScores('safety', part).accuracy))
      : scores.accuracy,
  );
  return {
    domains,
    hard: over('hard'),
    normal: over('normal'),
    easy: over('easy'),
    overall: over('accuracy'),
    overallSafetyAveraged: meanOrNull(averaged),
  };
}

function domainScores(domain: string, results: readonly BenchmarkResult[]): RmBenchDomain {
  const matrix = [0, 1, 2].map((i) =>
    [0, 1, 2].map((j) =>
      mean(
        results.map(({ comparisons }) =>
          Number(
            comparisons.some((one) => one.pair[0] === i && one.pair[1] === 3 + j && verdict(one) === 'first'),
          ),
        ),
      ),
    ),
  );
  const cells = (keep: (i: number, j: number) => boolean) =>
    mean(matrix.flatMap((row, i) => row.filter((_, j) => keep(i, j))));
  return {
    domain,
    matrix,
    hard: cells((i, j) => i < j),
    normal: cells((i, j) => i === j),
    easy: cells((i, j) => i > j),
    accuracy: cells(() => true),
  };
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  const { domains, hard, normal, easy, overall, overallSafetyAveraged } = rmBenchScores(results);
  return {
    columns: ['hard', 'normal', 'easy', 'accuracy'],
    rows: [
      ...domains.map((d) => ({ name: d.domain, values: [d.hard, d.normal, d.easy, d.accuracy] })),
      { name: 'Overall', values: [hard, normal, easy, overall] },
      { name: 'Overall, safety parts averaged', values: [null, null, null, overallSafetyAveraged] },
    ],
  };
}
