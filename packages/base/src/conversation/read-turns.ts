import type { ToolCall, Turn } from './conversation.js';

/** Makes the error for a value that is not what a conversation needs, by the path of the value inside of the conversation. */
export type RefuseValue = (path: string, wanted: string) => Error;

/** The fields of a turn that are texts where they are given. */
const TEXT_FIELDS = ['tool_call_id', 'name', 'reasoning_content'] as const;

/** Other names under which `reasoning_content` is published. */
const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'thinking'] as const;

/** The fields that a turn may have. Null counts as missing. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  'role',
  'content',
  'tool_calls',
  ...TEXT_FIELDS,
  ...REASONING_FIELDS,
]);

/**
 * Reads the turns of a conversation from an untrusted value. A content that is a list of text parts is joined; parts that are
 * not texts, such as images, are refused, as is a turn without any content.
 *
 * @param refuse makes the error of the border where the value came in
 * @param ignored names of further fields that a turn of this border may have and that say nothing to a model
 * @throws what `refuse` makes
 */
export function readTurns(value: unknown, refuse: RefuseValue, ignored: readonly string[] = []): Turn[] {
  if (!Array.isArray(value) || value.length === 0) throw refuse('', 'a list of messages');
  const turns: readonly unknown[] = value;
  return turns.map((turn, index) => {
    const refuseField = (path: string, wanted: string) =>
      refuse(path === '' ? `${index}` : `${index}.${path}`, wanted);
    return readTurn(turn, refuseField, ignored);
  });
}

function readTurn(value: unknown, refuse: RefuseValue, ignored: readonly string[]): Turn {
  const fields = objectOf(value, () => refuse('', 'a message, an object'));
  const unknown = Object.keys(fields).find(
    (name) => !KNOWN_FIELDS.has(name) && !ignored.includes(name) && fields[name] !== null,
  );
  if (unknown !== undefined) throw refuse(unknown, 'a field of a message');
  const { role } = fields;
  if (typeof role !== 'string' || !/^[\w-]{1,64}$/.test(role)) throw refuse('role', 'a word such as "user"');
  const reasoning = REASONING_FIELDS.find((name) => fields[name] !== undefined && fields[name] !== null);
  const reasoningText = reasoning === undefined ? undefined : fields[reasoning];
  if (reasoningText !== undefined && typeof reasoningText !== 'string')
    throw refuse(reasoning ?? '', 'a string');
  const calls = readToolCalls(fields.tool_calls, refuse);
  const content = readContent(fields.content, refuse);
  if (content === null && calls === undefined) throw refuse('content', 'a string');
  return {
    role,
    content,
    ...(calls !== undefined && { tool_calls: calls }),
    ...textField(fields, 'tool_call_id', refuse),
    ...textField(fields, 'name', refuse),
    ...(reasoningText !== undefined && { reasoning_content: reasoningText }),
  };
}

function textField<Name extends 'tool_call_id' | 'name'>(
  fields: Readonly<Record<string, unknown>>,
  name: Name,
  refuse: RefuseValue,
): { readonly [Key in Name]?: string } {
  const value = fields[name];
  if (value === undefined || value === null) return {};
  if (typeof value !== 'string') throw refuse(name, 'a string');
  // TypeScript does not see that a computed name of a single literal type makes this object.
  return { [name]: value } as { readonly [Key in Name]?: string };
}

/** A text, text parts that are joined, or null. */
function readContent(value: unknown, refuse: RefuseValue): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw refuse('content', 'a string');
  const parts: readonly unknown[] = value;
  return parts
    .map((part, index) => {
      const refusePart = () => refuse(`content.${index}`, 'a part of type "text"');
      const { type, text } = objectOf(part, refusePart);
      if (type !== 'text' || typeof text !== 'string') throw refusePart();
      return text;
    })
    .join('');
}

function readToolCalls(value: unknown, refuse: RefuseValue): ToolCall[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw refuse('tool_calls', 'a list of calls');
  const calls: readonly unknown[] = value;
  if (calls.length === 0) return undefined;
  return calls.map((call, index) => {
    const refuseCall = (path: string, wanted: string) => refuse(`tool_calls.${index}.${path}`, wanted);
    const { id, type, function: called } = objectOf(call, () => refuseCall('function', 'a call'));
    const { name, arguments: given } = objectOf(called, () => refuseCall('function', 'a call'));
    if (typeof name !== 'string') throw refuseCall('function.name', 'a string');
    const values =
      typeof given === 'string'
        ? given
        : objectOf(given, () => refuseCall('function.arguments', 'an object'));
    return {
      ...(typeof id === 'string' && { id }),
      ...(typeof type === 'string' && { type }),
      function: { name, arguments: values },
    };
  });
}

/** The own fields of an object. A list or null is none. */
function objectOf(value: unknown, refuse: () => Error): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse();
  return Object.fromEntries(Object.entries(value));
}
