import { plainPrompt } from '@gram/base';
import {
  badField,
  type FileRecord,
  idOf,
  numberField,
  optionalText,
  promptField,
  textField,
  valueAt,
} from '@gram/data';
import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR } from '../benchmark/item.js';
import { subsetMeansTable } from '../benchmark/subset-means.js';

/**
 * The validation split of HelpSteer 3 (Wang et al. 2025), records `{ domain, context: MESSAGES, response1, response2,
 * overall_preference }`, or of the preferences of HelpSteer 2 (Wang et al. 2024), `{ split, prompt, response_1, response_2,
 * preference_strength }`. The preference is from -3, the first response is much better, to 3. Pairs without a preference and records of
 * another split are dropped. The subset is the domain.
 */
export const helpSteer: BenchmarkDefinition = {
  title: 'HelpSteer validation',
  parse,
  table: subsetMeansTable,
};

/** Names of the fields of both editions. */
const EDITIONS = [
  ['context', 'response1', 'response2', 'overall_preference'],
  ['prompt', 'response_1', 'response_2', 'preference_strength'],
] as const;

function parse(from: FileRecord): BenchmarkItem | 'dropped' {
  const [third, second] = EDITIONS;
  const [prompt, first, other, preference] = valueAt(from, 'context') === undefined ? second : third;
  const strength = numberField(from, preference);
  if (!(strength >= -3 && strength <= 3)) throw badField(from, preference, 'a number from -3 to 3');
  const item = {
    id: `${idOf(from)}/${from.number}`,
    subset: optionalText(from, 'domain') ?? 'all',
    prompt: plainPrompt(promptField(from, prompt)),
    responses: [textField(from, first), textField(from, other)],
    pairs: ONE_PAIR,
  };
  const split = optionalText(from, 'split');
  if (strength === 0 || (split !== undefined && !/^val/.test(split))) return 'dropped';
  return { ...item, preferred: strength < 0 ? 'first' : 'second' };
}
