import { badField, type FileRecord, numberField, textField } from '@gram/data';
import { type BenchmarkItem, ONE_PAIR } from './item.js';

/**
 * Makes an item of a record `{ input, output_1, output_2, label }` with the label 1 or 2, in which LLMBar publishes its own
 * sets and MT-Bench. The id is the position in the file, behind the subset.
 */
export function labeledPair(from: FileRecord, subset: string): BenchmarkItem {
  const label = numberField(from, 'label');
  if (label !== 1 && label !== 2) throw badField(from, 'label', '1 or 2');
  return {
    id: `${subset}/${from.number}`,
    subset,
    prompt: textField(from, 'input'),
    responses: [textField(from, 'output_1'), textField(from, 'output_2')],
    pairs: ONE_PAIR,
    preferred: label === 1 ? 'first' : 'second',
  };
}
