import { badField, idOf, textField } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

const ASSISTANT = '\n\nAssistant:';
const HUMAN = '\n\nHuman:';

/**
 * Reads `{ chosen, rejected }`, two whole transcripts of `\n\nHuman: ...\n\nAssistant: ...` turns, as Anthropic publishes
 * them.
 *
 * The transcripts are split at the last `\n\nAssistant:` that both share word for word: what follows it is the response,
 * trimmed, and what precedes it is the prompt. A prompt of one human turn loses its `Human:` mark; a longer one keeps the
 * marks and the blank lines between turns. Transcripts that part before their last turn (5 of the 1,812 of harmless-base)
 * keep the later turns in the responses.
 */
export function hhRlhf(from: FileRecord): PreferencePair {
  const [chosen, rejected] = [textField(from, 'chosen'), textField(from, 'rejected')];
  let shared = 0;
  while (shared < chosen.length && chosen[shared] === rejected[shared]) shared++;
  const marker = chosen.slice(0, shared).lastIndexOf(ASSISTANT);
  if (marker < 0)
    throw badField(from, 'chosen', 'a transcript that shares an Assistant turn with "rejected"');
  const transcript = chosen.slice(0, marker);
  const turns = transcript.split(HUMAN).length - 1;
  const single = turns === 1 && transcript.startsWith(HUMAN) && !transcript.includes(ASSISTANT);
  return {
    id: idOf(from),
    prompt: (single ? transcript.slice(HUMAN.length) : transcript).trim(),
    chosen: chosen.slice(marker + ASSISTANT.length).trim(),
    rejected: rejected.slice(marker + ASSISTANT.length).trim(),
  };
}
