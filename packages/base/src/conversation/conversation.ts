import { canonicalJson } from '../files/hash.js';

/**
 * A turn of a conversation. Its fields are named as chat templates and the chat completions of OpenAI name them, so a message
 * from a file or from a client is a turn as it is.
 */
export interface Turn {
  /** The speaker, for example `system`, `user`, `assistant` or `tool`: letters, digits, `_` and `-`. */
  readonly role: string;
  /** The text; null where an assistant only calls tools. */
  readonly content: string | null;
  /** Calls of tools by the assistant. */
  readonly tool_calls?: readonly ToolCall[];
  /** The call that the turn of a tool answers. */
  readonly tool_call_id?: string;
  /** Name of the tool, or of the speaker. */
  readonly name?: string;
  /** Thoughts of the assistant before its answer. */
  readonly reasoning_content?: string;
}

/** A call of a tool. */
export interface ToolCall {
  readonly id?: string;
  readonly type?: string;
  readonly function: {
    readonly name: string;
    /** Values by name, or their JSON as a text. */
    readonly arguments: Readonly<Record<string, unknown>> | string;
  };
}

/** The description of a tool that an assistant may call, a JSON schema as chat templates take it. */
export type Tool = Readonly<Record<string, unknown>>;

/** The question to a model: a text, which is one turn of a user, or the turns of a conversation so far. */
export type Prompt = string | readonly Turn[];

/** A response: a text, which is one turn of an assistant, or the turns that follow a prompt. */
export type Answer = string | readonly Turn[];

/** Lists the turns of a prompt. A text is one turn of a user. */
export function promptTurns(prompt: Prompt): readonly Turn[] {
  return typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
}

/** Lists the turns of a response. A text is one turn of an assistant. */
export function answerTurns(response: Answer): readonly Turn[] {
  return typeof response === 'string' ? [{ role: 'assistant', content: response }] : response;
}

/** Writes a prompt as a text where it is nothing else: one turn of a user without further fields. */
export function plainPrompt(prompt: Prompt): Prompt {
  return typeof prompt === 'string' ? prompt : (plainText(prompt, 'user') ?? prompt);
}

/** Writes a response as a text where it is nothing else: one turn of an assistant without further fields. */
export function plainAnswer(response: Answer): Answer {
  return typeof response === 'string' ? response : (plainText(response, 'assistant') ?? response);
}

/** Identifies a prompt or a response: equal conversations have equal keys, and a text has that of its only turn. */
export function conversationKey(conversation: Prompt | Answer): string {
  const plain = plainAnswer(plainPrompt(conversation));
  return typeof plain === 'string' ? plain : canonicalJson(plain);
}

const SPEAKERS: Readonly<Record<string, string>> = {
  user: 'Human',
  assistant: 'Assistant',
  system: 'System',
};

/**
 * Writes a conversation for people to read: a text, or the only turn of one, as it is; else each turn after its speaker, with
 * blank lines between them. It shows reasoning and calls of tools as well. Models read conversations through their chat
 * template instead.
 */
export function conversationText(conversation: Prompt | Answer): string {
  const plain = plainAnswer(plainPrompt(conversation));
  if (typeof plain === 'string') return plain;
  return plain.map((turn) => `${speaker(turn)}: ${turnText(turn)}`).join('\n\n');
}

/** The text of a turn with its reasoning and its calls of tools, one after the other. */
export function turnText({ content, reasoning_content, tool_calls = [] }: Turn): string {
  const calls = tool_calls.map((call) => JSON.stringify(call.function));
  return [reasoning_content, content, ...calls].filter((part) => part).join('\n');
}

function speaker({ role, name }: Turn): string {
  const known = Object.hasOwn(SPEAKERS, role) ? SPEAKERS[role] : role;
  return name === undefined ? `${known}` : `${known} ${name}`;
}

function plainText(turns: readonly Turn[], role: string): string | undefined {
  const [only] = turns;
  if (turns.length !== 1 || only?.role !== role || only.content === null) return undefined;
  const hasMore = Object.keys(only).some(
    (key) => key !== 'role' && key !== 'content' && Reflect.get(only, key) !== undefined,
  );
  return hasMore ? undefined : only.content;
}
