import { type Answer, conversationKey, conversationText, type Prompt, promptTurns, sha256 } from '@gram/base';
import type { HeldBy } from '../format/format.js';
import type { ResponsePair } from '../records.js';
import { normalizedText } from '../text/words.js';

/** A record of any kind: what formats hold, or two responses that were drawn from a list. */
export type DataRecord = HeldBy | ResponsePair;

/** The prompt of a record; a text without a prompt is one itself. */
export function promptOf(record: DataRecord): Prompt {
  return 'text' in record ? record.text : record.prompt;
}

/** The responses of a record in their order; a judged pair has the chosen one first. */
export function responsesOf(record: DataRecord): readonly Answer[] {
  if ('chosen' in record) return [record.chosen, record.rejected];
  if ('responses' in record) return record.responses;
  return 'response' in record ? [record.response] : [];
}

/** The prompt and the responses of a record as texts for people. */
export function textsOf(record: DataRecord): readonly string[] {
  return [promptOf(record), ...responsesOf(record)].map(conversationText);
}

/** The texts of the turns of the user, each alone. */
export function questionsOf(record: DataRecord): readonly string[] {
  return promptTurns(promptOf(record)).flatMap(({ role, content }) =>
    role === 'user' && content !== null ? [content] : [],
  );
}

/** Identifies the prompt of a record; prompts that differ in case and white space alone are one. */
export function promptDigest(record: DataRecord): string {
  return digest(normalizedText(conversationKey(promptOf(record))));
}

/** Identifies a record by its prompt and its responses, whose order does not matter, in the same way. */
export function recordDigest(record: DataRecord): string {
  const responses = responsesOf(record).map((response) => normalizedText(conversationKey(response)));
  return digest(JSON.stringify([normalizedText(conversationKey(promptOf(record))), ...responses.sort()]));
}

/** The first 128 bits of a SHA-256 digest, in hexadecimal. */
export function digest(text: string): string {
  return sha256(text).slice(0, 32);
}
