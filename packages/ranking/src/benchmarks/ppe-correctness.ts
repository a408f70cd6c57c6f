import { mean, meanOrNull } from '@gram/base';
import { badField, type FileRecord, idOf, optionalText, textField, valueAt } from '@gram/data';
import type { BenchmarkDefinition, DataFile } from '../benchmark/definition.js';
import { listField } from '../benchmark/fields.js';
import type { BenchmarkItem } from '../benchmark/item.js';
import { type BenchmarkResult, type JudgedItem, verdict } from '../benchmark/judged-item.js';
import { oneColumn, type ScoreTable } from '../benchmark/score-table.js';

/**
 * The correctness part of PPE, Preference Proxy Evaluations (Frick et al. 2024): the five sets `lmarena-ai/PPE-*-Best-of-K` as JSON
 * Lines, records `{ question_id, model_name, prompt, response_1 ... response_32, scores: [32], sampled_conflict_pairs: [[i, j]] }`, where
 * a response is right or wrong by the check of the original benchmark. The compared pairs are those of `sampled_conflict_pairs`,
 * whose numbers count from 0; of each exactly one is right. The name of the file or of its folder tells the set.
 *
 * How right a model is on an item is the fraction of its pairs that are right. The curves of best-of-k, which PPE has as well, need
 * all 32 responses of each prompt compared and are left out.
 */
export const ppeCorrectness: BenchmarkDefinition = {
  title: 'PPE correctness',
  parse,
  correctness: (item) => mean(rightPairs(item)),
  table,
};

/** The sets, each with the pattern of the names of its files or folders. */
const SETS = [
  ['mmlu-pro', /mmlu/i],
  ['math', /math/i],
  ['gpqa', /gpqa/i],
  ['ifeval', /ifeval/i],
  ['mbpp-plus', /mbpp/i],
] as const;

function parse(from: FileRecord, { path }: DataFile): BenchmarkItem | 'dropped' {
  const subset = setOf(from, path);
  const scores = listField(from, 'scores').map((score, at) => {
    const value = typeof score === 'boolean' ? Number(score) : score;
    if (typeof value !== 'number') throw badField(from, `scores.${at}`, 'true, false or a number');
    return value;
  });
  const responses = scores.map((_, at) => textField(from, `response_${at + 1}`));
  const pairs = pairsOf(from, scores);
  if (pairs.length === 0) return 'dropped';
  const model = optionalText(from, 'model_name') ?? '';
  return {
    // A question may stand once for each model that answered it.
    id: `${subset}/${idOf(from, 'question_id')}/${model}`,
    subset,
    prompt: textField(from, 'prompt'),
    responses,
    pairs,
    preferred: 'first',
  };
}

function setOf(from: FileRecord, path: string): string {
  const names = path.split(/[\\/]/).slice(-2).reverse();
  for (const name of names) {
    const found = SETS.find(([, pattern]) => pattern.test(name));
    if (found !== undefined) return found[0];
  }
  const wanted = `in a file or folder named after its set, ${SETS.map(([name]) => name).join(', ')}`;
  throw badField(from, 'question_id', wanted);
}

/** The pairs of the record, the right response of each first. A pair that was drawn twice counts once. */
function pairsOf(from: FileRecord, scores: readonly number[]): readonly (readonly [number, number])[] {
  const field = 'sampled_conflict_pairs';
  const list = valueAt(from, field);
  if (!Array.isArray(list)) throw badField(from, field, 'a list of pairs');
  const pairs = list.map((pair: unknown, at): readonly [number, number] => {
    const [a, b] = Array.isArray(pair) && pair.length === 2 ? (pair as readonly unknown[]) : [];
    const [first, second] = [scores[a as number], scores[b as number]];
    if (first === undefined || second === undefined || first === second) {
      throw badField(from, `${field}.${at}`, 'two numbers of responses with different scores');
    }
    return first > second ? [a as number, b as number] : [b as number, a as number];
  });
  return [...new Map(pairs.map((pair) => [pair.join(), pair])).values()];
}

function rightPairs({ comparisons, preferred }: Pick<JudgedItem, 'comparisons' | 'preferred'>): number[] {
  return comparisons.map((pair) => Number(verdict(pair) === preferred));
}

/**
 * Accuracy over the pairs of each set, as PPE reports it, and the unweighted mean over the sets that have items; null without.
 */
export function ppeCorrectnessScores(
  results: readonly BenchmarkResult[],
): Readonly<Record<string, number | null>> {
  const sets = SETS.map(([name]) => {
    const pairs = results.filter(({ subset }) => subset === name).flatMap(rightPairs);
    return [name, meanOrNull(pairs)] as const;
  });
  const known = sets.flatMap(([, accuracy]) => accuracy ?? []);
  return { ...Object.fromEntries(sets), overall: meanOrNull(known) };
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  return oneColumn('accuracy', Object.entries(ppeCorrectnessScores(results)));
}
