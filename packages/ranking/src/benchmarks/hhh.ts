import { badField, type FileRecord, numberField, textField, valueAt } from '@gram/data';
import type { BenchmarkDefinition, DataFile } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR, preferredPair } from '../benchmark/item.js';
import { subsetMeansTable } from '../benchmark/subset-means.js';

/**
 * HHH alignment (Askell et al. 2021) in one of three forms: records `{ subset, prompt, chosen, rejected }`; as on the hub,
 * `{ input, targets: { choices: [2], labels: [2] } }` with a label 1 for the better response and 0 for the other; as the tasks
 * of BIG-bench, `{ input, target_scores: { RESPONSE: 1, RESPONSE: 0 } }`. The subset of the latter two is the name of the
 * file, or of its folder where it is called `task.json`.
 */
export const hhh: BenchmarkDefinition = {
  title: 'HHH',
  parse,
  table: subsetMeansTable,
};

function parse(from: FileRecord, { stem }: DataFile): BenchmarkItem {
  const id = `${stem}/${from.number}`;
  const scores = valueAt(from, 'target_scores');
  if (valueAt(from, 'targets') === undefined && scores === undefined) {
    const [prompt, chosen] = [textField(from, 'prompt'), textField(from, 'chosen')];
    const rejected = textField(from, 'rejected');
    return preferredPair({ id, subset: textField(from, 'subset'), prompt }, chosen, rejected);
  }
  const item = { id, subset: stem, prompt: textField(from, 'input') };
  return scores === undefined ? fromTargets(from, item) : fromScores(from, scores, item);
}

type Named = Pick<BenchmarkItem, 'id' | 'subset' | 'prompt'>;

function fromScores(from: FileRecord, scores: unknown, item: Named): BenchmarkItem {
  const entries = typeof scores === 'object' && scores !== null ? Object.entries(scores) : [];
  const withScore = (score: number) => entries.find(([, value]) => value === score)?.[0];
  const [chosen, rejected] = [withScore(1), withScore(0)];
  if (entries.length !== 2 || chosen === undefined || rejected === undefined) {
    throw badField(from, 'target_scores', 'a response with the score 1 and one with 0');
  }
  return preferredPair(item, chosen, rejected);
}

function fromTargets(from: FileRecord, item: Named): BenchmarkItem {
  const labels = [numberField(from, 'targets.labels.0'), numberField(from, 'targets.labels.1')];
  if (labels.some((label) => label !== 0 && label !== 1) || labels[0] === labels[1]) {
    throw badField(from, 'targets.labels', 'a list of one 1 and one 0');
  }
  return {
    ...item,
    responses: [textField(from, 'targets.choices.0'), textField(from, 'targets.choices.1')],
    pairs: ONE_PAIR,
    preferred: labels[0] === 1 ? 'first' : 'second',
  };
}
