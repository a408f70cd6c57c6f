import { meanOrNull, plainPrompt } from '@gram/base';
import { type FileRecord, idOf, optionalText, textField, turnsField, valueAt } from '@gram/data';
import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { listField } from '../benchmark/fields.js';
import { type BenchmarkItem, preferredPair } from '../benchmark/item.js';
import type { BenchmarkResult } from '../benchmark/judged-item.js';
import { oneColumn, type ScoreTable } from '../benchmark/score-table.js';

/**
 * RMB (Zhou et al. 2024), either part: records of pairs, `{ pair_uid, conversation_input, chosen: { answer },
 * reject: { answer } }`, and of best-of-n lists, `{ bon_uid, conversation_input, bon_best: { answer },
 * loser_list: [{ answer }] }`. The subset is that of the record, or its `category_path` without the first part, behind
 * `pairwise/` or `best-of-n/`.
 */
export const rmb: BenchmarkDefinition = {
  title: 'RMB',
  parse,
  table,
};

function parse(from: FileRecord): BenchmarkItem {
  const prompt = plainPrompt(turnsField(from, 'conversation_input'));
  const category = optionalText(from, 'subset') ?? textField(from, 'category_path').replace(/^[^/]*\//, '');
  if (valueAt(from, 'bon_best') === undefined) {
    const [chosen, rejected] = [textField(from, 'chosen.answer'), textField(from, 'reject.answer')];
    const item = { id: `pairwise/${idOf(from, 'pair_uid')}`, subset: `pairwise/${category}`, prompt };
    return preferredPair(item, chosen, rejected);
  }
  const losers = listField(from, 'loser_list');
  const best = textField(from, 'bon_best.answer');
  return {
    id: `best-of-n/${idOf(from, 'bon_uid')}`,
    subset: `best-of-n/${category}`,
    prompt,
    responses: [best, ...losers.map((_, at) => textField(from, `loser_list.${at}.answer`))],
    pairs: losers.map((_, at) => [0, at + 1] as const),
    preferred: 'first',
  };
}

/** Accuracy on each part of RMB; null without items. */
export interface RmbScores {
  readonly parts: Readonly<
    Record<
      'pairwise helpfulness' | 'pairwise harmlessness' | 'best-of-n helpfulness' | 'best-of-n harmlessness',
      number | null
    >
  >;
  /** Unweighted mean of the parts that have items. */
  readonly overall: number | null;
}

/**
 * RMB (Zhou et al. 2024): accuracy over the pairs, and over the best-of-n lists, where an item is right when the best response
 * beats every loser. All items of a part weigh the same, whatever their category; the table of subsets has the categories.
 */
export function rmbScores(results: readonly BenchmarkResult[]): RmbScores {
  const part = (kind: string, goal: string) =>
    meanOrNull(
      results
        .filter(({ subset }) => subset.toLowerCase().startsWith(`${kind}/${goal}/`))
        .map(({ correct }) => correct),
    );
  const parts = {
    'pairwise helpfulness': part('pairwise', 'helpfulness'),
    'pairwise harmlessness': part('pairwise', 'harmlessness'),
    'best-of-n helpfulness': part('best-of-n', 'helpfulness'),
    'best-of-n harmlessness': part('best-of-n', 'harmlessness'),
  };
  return { parts, overall: meanOrNull(Object.values(parts).filter((value) => value !== null)) };
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  const { parts, overall } = rmbScores(results);
  return oneColumn('accuracy', [...Object.entries(parts), ['Overall', overall]]);
}
