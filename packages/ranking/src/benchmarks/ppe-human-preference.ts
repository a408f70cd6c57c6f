import { meanOrNull } from '@gram/base';
import { badField, type FileRecord, idOf, textField, valueAt } from '@gram/data';
import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR } from '../benchmark/item.js';
import type { BenchmarkResult } from '../benchmark/judged-item.js';
import { oneColumn, type ScoreTable } from '../benchmark/score-table.js';

/**
 * The human preferences of PPE, Preference Proxy Evaluations (Frick et al. 2024; `lmarena-ai/PPE-Human-Preference-V1`), as
 * JSON Lines: records `{ question_id, model_a, model_b, winner, prompt, response_1, response_2, language, is_code, hard_prompt,
 * easy_prompt, if_prompt, math_prompt, ... }`; `response_1` is that of `model_a`. Pairs whose winner is `tie` or
 * `tie (bothbad)` are dropped: the score is the accuracy over the others.
 *
 * The flags are groups that overlap, so an item has them as tags. Its subset is `hard`, `easy` or `neither`.
 */
export const ppeHumanPreference: BenchmarkDefinition = {
  title: 'PPE human preference',
  parse,
  table,
};

const WINNERS = new Map<string, 'first' | 'second' | 'dropped'>([
  ['model_a', 'first'],
  ['model_b', 'second'],
  ['tie', 'dropped'],
  ['tie (bothbad)', 'dropped'],
]);

/** The flag of each group, and its name in the table of scores. */
const GROUPS = [
  ['hard_prompt', 'Hard prompts'],
  ['easy_prompt', 'Easy prompts'],
  ['if_prompt', 'Instruction following'],
  ['is_code', 'Code'],
  ['math_prompt', 'Math'],
] as const;

function parse(from: FileRecord): BenchmarkItem | 'dropped' {
  const preferred = WINNERS.get(textField(from, 'winner'));
  if (preferred === undefined) throw badField(from, 'winner', [...WINNERS.keys()].join(', '));
  const item = {
    // A question may have been asked twice.
    id: `${idOf(from, 'question_id')}/${from.number}`,
    prompt: textField(from, 'prompt'),
    responses: [textField(from, 'response_1'), textField(from, 'response_2')],
    pairs: ONE_PAIR,
  };
  const tags = GROUPS.flatMap(([flag]) => (flagField(from, flag) ? [flag] : []));
  if (preferred === 'dropped') return 'dropped';
  const subset = tags.includes('hard_prompt') ? 'hard' : tags.includes('easy_prompt') ? 'easy' : 'neither';
  return { ...item, subset, preferred, tags };
}

function flagField(from: FileRecord, name: string): boolean {
  const value = valueAt(from, name);
  if (typeof value !== 'boolean') throw badField(from, name, 'true or false');
  return value;
}

/** Accuracy on all pairs, and on each group of them; null where a group has none. */
function table(results: readonly BenchmarkResult[]): ScoreTable {
  const accuracy = (part: readonly BenchmarkResult[]) => meanOrNull(part.map(({ correct }) => correct));
  const inGroup = (flag: string) => results.filter(({ tags }) => tags?.includes(flag));
  return oneColumn('accuracy', [
    ['All pairs', accuracy(results)],
    ...GROUPS.map(([flag, name]) => [name, accuracy(inGroup(flag))] as const),
  ]);
}
