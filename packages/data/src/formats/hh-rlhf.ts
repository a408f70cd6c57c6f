import { splitPair } from '../conversations/split.js';
import { transcriptField } from '../conversations/transcript.js';
import { idOf } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/**
 * Reads `{ chosen, rejected }`, two whole transcripts of `\n\nHuman: ...\n\nAssistant: ...` turns, as Anthropic publishes
 * them. A system message, `\n\nSystem: ...`, may come first. The turns that both share are the prompt.
 */
export function hhRlhf(from: FileRecord): PreferencePair {
  const side = (field: string) => ({ field, turns: transcriptField(from, field) });
  const { prompt, responses } = splitPair(from, side('chosen'), side('rejected'));
  return { id: idOf(from), prompt, chosen: responses[0], rejected: responses[1] };
}
