import { plainPrompt } from '@gram/base';
import { entriesOf, rewardsOf } from '../conversations/ranked.js';
import { isTranscript, transcriptField } from '../conversations/transcript.js';
import { idOf, optionalText, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { hasFields, isListOfObjects } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Nectar: a prompt that is a transcript, and seven answers with a rank, of which 1 is best. */
export const nectar: FormatOf<'ranking'> = {
  holds: 'ranking',
  fields: '{ prompt, answers: [{ answer, rank }] }',
  fits: (from) => hasFields(from, 'prompt', 'answers.0.rank') && isListOfObjects(from, 'answers'),
  read(from) {
    const entries = entriesOf(from, 'answers');
    return {
      id: idOf(from),
      prompt: promptOf(from),
      responses: entries.map((path) => textField(from, `${path}.answer`)),
      rewards: rewardsOf(
        from,
        entries.map((path) => `${path}.rank`),
        'lowest',
      ),
      family: optionalText(from, 'source'),
    };
  },
};

/** The turns of a transcript without the mark of the answer, which ends it. */
function promptOf(from: FileRecord) {
  if (!isTranscript(valueAt(from, 'prompt'))) return textField(from, 'prompt');
  const turns = transcriptField(from, 'prompt');
  const { role, content } = turns.at(-1) ?? {};
  return plainPrompt(role === 'assistant' && content === '' ? turns.slice(0, -1) : turns);
}
