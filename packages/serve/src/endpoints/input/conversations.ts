import { type Prompt, readTurns, type Turn } from '@gram/base';
import { z } from 'zod';
import { wellFormed } from './texts.js';

/** Turns of one conversation, calls of tools in one turn, and parts of one text: more are for no reader. */
export const CONVERSATION_LIMITS = { turns: 256, calls: 64, parts: 256 } as const;

/**
 * Creates the shape of a conversation, as chat completions of OpenAI have it; `readTurns` has the last word.
 *
 * @param text the shape of a text
 */
export function conversationShape(text: z.ZodType<string>): z.ZodType<readonly Turn[]> {
  const word = text.nullish();
  const part = z.looseObject({ type: z.literal('text'), text });
  const call = z.looseObject({
    id: word,
    type: word,
    function: z.looseObject({ name: text, arguments: z.union([text, z.record(z.string(), z.json())]) }),
  });
  const calls = z.array(call).min(1).max(CONVERSATION_LIMITS.calls);
  const content = z.union([text, z.array(part).min(1).max(CONVERSATION_LIMITS.parts)]);
  const rest = {
    role: z
      .string()
      .regex(/^[\w-]{1,64}$/)
      .describe('system, user, assistant, tool, ...'),
    tool_call_id: word,
    name: word,
    reasoning_content: word,
  };
  const turn = z.union([
    z.looseObject({ ...rest, content, tool_calls: calls.nullish() }),
    z.looseObject({ ...rest, content: content.nullish(), tool_calls: calls }),
  ]);
  return z
    .array(turn)
    .min(1)
    .max(CONVERSATION_LIMITS.turns)
    .transform((value, context) => {
      try {
        if (!wellFormed(value)) throw new RangeError('a text is not well-formed Unicode');
        return readTurns(value, (path, wanted) => new RangeError(`${path || 'this'} is not ${wanted}`));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        context.addIssue({ code: 'custom', message: error.message });
        return z.NEVER;
      }
    });
}

/** A conversation of which the last turn is the response that is judged. */
export interface JudgedConversation {
  readonly prompt: Prompt;
  readonly response: readonly Turn[];
}

/** Parts a conversation at its last turn; undefined where that is not an answer of an assistant to something. */
export function judgedPart(turns: readonly Turn[]): JudgedConversation | undefined {
  const last = turns.at(-1);
  if (turns.length < 2 || last?.role !== 'assistant') return undefined;
  return { prompt: turns.slice(0, -1), response: [last] };
}
