import type { Turn } from '@gram/base';
import { turnsField } from '../conversations/messages.js';
import { splitPair } from '../conversations/split.js';
import { idOf, numberField, optionalText } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Part of the name of the source whose prompts are posts without a request. */
const POSTS = 'summarize';
/** The request that the code with which these data became a benchmark puts before such a post (Yang et al. 2024). */
const REQUEST = 'Generate one-sentence summary for the following post: ';

/**
 * Reads a conversation of Unified-Feedback. Where the source is one of summaries, its first turn is a post, before which a request is
 * put: without it nothing says what the responses are to do.
 *
 * @throws {DataError} `bad-record`
 */
export function unifiedFeedbackTurns(from: FileRecord, field: 'conv_A' | 'conv_B'): readonly Turn[] {
  const [first, ...rest] = turnsField(from, field);
  if (first?.content == null || optionalText(from, 'source')?.includes(POSTS) !== true) {
    return first === undefined ? rest : [first, ...rest];
  }
  return [{ ...first, content: `${REQUEST}${first.content.trim()}` }, ...rest];
}

/** Unified-Feedback: two whole conversations with a rating each. Equal ratings are a tie, and the source is the family. */
export const unifiedFeedback: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ conv_A, conv_B, conv_A_rating, conv_B_rating, source? }',
  fits: (from) => hasFields(from, 'conv_A', 'conv_B'),
  read(from) {
    const side = (field: 'conv_A' | 'conv_B') => ({ field, turns: unifiedFeedbackTurns(from, field) });
    const { prompt, responses } = splitPair(from, side('conv_A'), side('conv_B'));
    const [a, b] = [numberField(from, 'conv_A_rating'), numberField(from, 'conv_B_rating')];
    if (a === b) return 'tie';
    const [chosen, rejected] = a > b ? responses : [responses[1], responses[0]];
    return { id: idOf(from), prompt, chosen, rejected, family: optionalText(from, 'source') };
  },
  margin: (from) => Math.abs(numberField(from, 'conv_A_rating') - numberField(from, 'conv_B_rating')),
};
