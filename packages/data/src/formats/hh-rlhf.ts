import { splitPair } from '../conversations/split.js';
import { isTranscript, transcriptField } from '../conversations/transcript.js';
import { idOf, valueAt } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * Two whole transcripts of `\n\nHuman: ...\n\nAssistant: ...` turns, as Anthropic publishes them. A system message,
 * `\n\nSystem: ...`, may come first. The turns that both share are the prompt.
 */
export const hhRlhf: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ chosen, rejected } with transcripts of "Human:" and "Assistant:"',
  fits: (from) =>
    !hasFields(from, 'prompt') && ['chosen', 'rejected'].every((name) => isTranscript(valueAt(from, name))),
  read(from) {
    const side = (field: string) => ({ field, turns: transcriptField(from, field) });
    const { prompt, responses } = splitPair(from, side('chosen'), side('rejected'));
    return { id: idOf(from), prompt, chosen: responses[0], rejected: responses[1] };
  },
};
