import { type FileRecord, numberField, splitPair, textField, unifiedFeedbackTurns } from '@gram/data';
import type { BenchmarkDefinition, DataFile } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR } from '../benchmark/item.js';
import { subsetMeansTable } from '../benchmark/subset-means.js';

/**
 * Unified-Feedback: records `{ conv_A, conv_B, conv_A_rating, conv_B_rating, source }` with lists of messages. The turns that both
 * share are the prompt, with a request before a post to summarize. Pairs of equal ratings are dropped.
 */
export const unifiedFeedback: BenchmarkDefinition = {
  title: 'Unified-Feedback',
  parse,
  table: subsetMeansTable,
};

function parse(from: FileRecord, { stem }: DataFile): BenchmarkItem | 'dropped' {
  const conversation = (field: 'conv_A' | 'conv_B') => ({ field, turns: unifiedFeedbackTurns(from, field) });
  const pair = splitPair(from, conversation('conv_A'), conversation('conv_B'));
  const [a, b] = [numberField(from, 'conv_A_rating'), numberField(from, 'conv_B_rating')];
  const subset = textField(from, 'source');
  if (a === b) return 'dropped';
  return {
    id: `${stem}/${from.number}`,
    subset,
    ...pair,
    pairs: ONE_PAIR,
    preferred: a > b ? 'first' : 'second',
  };
}
