import { answerTurns, promptTurns } from '@gram/base';
import type {
  Demonstration,
  LabeledResponse,
  PreferencePair,
  PromptRecord,
  ResponsePair,
} from '../records.js';

/**
 * The reason why a format cannot have a record, so that reading it would give another one: an empty text, a text with a mark of the
 * format, a response that is more than a text, or more than one answer.
 */
export type Unwritable = 'empty' | 'holds-a-mark' | 'not-a-text' | 'not-one-answer';

/** Writes a judged pair as the format `preference` reads it. */
export function preferenceRecord({ id, prompt, chosen, rejected, ...rest }: PreferencePair): object {
  return { id, prompt, chosen, rejected, ...rest };
}

/** Writes two responses without a judgment as the format `outputs` reads them, which takes texts only. */
export function responsesRecord({ id, prompt, responses, family }: ResponsePair): object | Unwritable {
  if (responses.some((response) => typeof response !== 'string')) return 'not-a-text';
  return { id, prompt, responses, ...(family !== undefined && { dataset: family }) };
}

/**
 * Writes a demonstration as a whole conversation. A response with a turn of somebody else than the assistant and its tools would be
 * read as context.
 */
export function messagesRecord({ id, prompt, response, tools, family }: Demonstration): object | Unwritable {
  const [before, answer] = [promptTurns(prompt), answerTurns(response)];
  const isOwn = ({ role }: { readonly role: string }) => role === 'assistant' || role === 'tool';
  const last = before.at(-1);
  if (!answer.every(isOwn) || last === undefined || isOwn(last)) return 'not-one-answer';
  return {
    id,
    messages: [...before, ...answer],
    ...(tools && { tools }),
    ...(family !== undefined && { family }),
  };
}

/** Writes a labeled response as the format `kto` reads it. */
export function ktoRecord({ id, prompt, response, isGood, ...rest }: LabeledResponse): object {
  return { id, prompt, completion: response, label: isGood, ...rest };
}

/** Writes a prompt as the format `prompts` reads it. */
export function promptsRecord({ id, prompt, ...rest }: PromptRecord): object {
  return { id, prompt, ...rest };
}
