import type { Tool, ToolCall, Turn } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { TemplateValue } from './rendering/jinja.js';

/** A text of a conversation, for which a placeholder stands while a template is rendered. */
export interface ConversationText {
  readonly value: string;
  /**
   * What a template may do with it. A `content` stands once, at most trimmed. `reasoning` does too, and a template that knows
   * reasoning may leave it out of earlier turns. `data` is a name, a key or a string of a tool or of a call, which may be
   * repeated.
   */
  readonly kind: 'content' | 'reasoning' | 'data';
  /** Index of the message that it belongs to; undefined for tools. */
  readonly message: number | undefined;
  /** Names it in errors. */
  readonly name: string;
  /** Whether a rendering without it says something else. */
  readonly isRequired: boolean;
  /** Whether it is the name of a tool, or the key of an object of tools or of calls, by which templates sort. @default false */
  readonly isName?: boolean;
  /** Whether it is the id of a call, whose length templates check. @default false */
  readonly isId?: boolean;
}

/** A conversation whose texts are taken out. */
export interface ConversationShape {
  readonly texts: readonly ConversationText[];
  /** Puts texts in the places of those that were taken out. */
  fill(contents: readonly string[]): { readonly messages: TemplateValue; readonly tools: TemplateValue };
  /** Equal for conversations that differ in their texts only. */
  readonly key: string;
}

/**
 * Words of JSON schemas and of calls, which templates look for. They structure tools and are no texts of a user, so they stay as
 * they are.
 */
const SCHEMA_WORDS: ReadonlySet<string> = new Set([
  ...[
    'type',
    'function',
    'name',
    'description',
    'parameters',
    'arguments',
    'properties',
    'required',
    'items',
  ],
  ...[
    'enum',
    'default',
    'format',
    'title',
    'additionalProperties',
    'anyOf',
    'oneOf',
    'allOf',
    'strict',
    'const',
  ],
  ...[
    'minimum',
    'maximum',
    'minItems',
    'maxItems',
    'minLength',
    'maxLength',
    'pattern',
    'nullable',
    'return',
  ],
  ...['object', 'string', 'number', 'integer', 'boolean', 'array', 'null', 'tool', 'id'],
]);

/** Values that go through JSON are not nested deeper than this in any real tool. */
const MAX_DEPTH = 64;

/**
 * Takes the texts out of a conversation: contents and reasoning of turns, and every string of tools and of their calls but the
 * words of JSON schemas. Equal strings of tools and calls are one text, so that a template may compare them.
 *
 * @throws {TokenizeError} `bad-message`
 */
export function shapeOfConversation(
  messages: readonly Turn[],
  tools: readonly Tool[] | undefined,
): ConversationShape {
  const texts: ConversationText[] = [];
  const known = new Map<string, number>();
  const take = (text: ConversationText): Hole => {
    texts.push(text);
    return new Hole(texts.length - 1);
  };
  const takeData = (value: string, where: Where): Hole | string => {
    if (value === '' || SCHEMA_WORDS.has(value)) return value;
    const index = known.get(value) ?? texts.length;
    const { isName, isId, ...before } = texts[index] ?? { value, kind: 'data', ...where };
    const place = where.isRequired && !before.isRequired ? where : {};
    texts[index] = { ...before, ...place, isName: isName || where.isName, isId: isId && where.isId };
    known.set(value, index);
    return new Hole(index);
  };
  const described = tools?.map((tool, index) => {
    const name = `tool ${index + 1}`;
    const optional = { message: undefined, name, isRequired: false };
    const { function: called = tool } = tool;
    const own = isObject(called) ? called.name : undefined;
    // A template that does not write the name of a tool does not write the tool.
    if (typeof own === 'string') takeData(own, { ...optional, isRequired: true, isName: true });
    return dataShape(tool, (value, isName) => takeData(value, { ...optional, isName }), name);
  });
  // After the tools, so that the texts of a conversation begin with those of its first turns.
  const turns = messages.map((message, index) => turnShape(message, index, take, takeData));
  const fill = (contents: readonly string[]) => ({
    messages: filled(turns, contents),
    tools: described === undefined || described.length === 0 ? null : filled(described, contents),
  });
  return { texts, fill, key: JSON.stringify(fill(texts.map((_, index) => `\0${index}`))) };
}

type Where = Pick<ConversationText, 'message' | 'name' | 'isRequired' | 'isName' | 'isId'>;
type TakeText = (value: string, isName?: boolean) => Hole | string;
type TakeData = (value: string, where: Where) => Hole | string;

/** The place of a text that was taken out. */
class Hole {
  constructor(readonly index: number) {}
}

/** The entries of an object, whose keys may be holes. */
class Entries {
  constructor(readonly list: readonly (readonly [Hole | string, Node])[]) {}
}

type Node = Hole | Entries | string | number | boolean | null | readonly Node[];

function turnShape(
  message: Turn,
  index: number,
  take: (text: ConversationText) => Hole,
  takeData: TakeData,
): Node {
  checkTurn(message, index);
  const { role, content, reasoning_content: reasoning, tool_calls: calls } = message;
  const turn = `message ${index + 1} (${role})`;
  const text = (value: string, kind: 'content' | 'reasoning', name: string): Hole | string =>
    value === '' ? '' : take({ value, kind, message: index, name: `${name} of ${turn}`, isRequired: true });
  const optional = { message: index, name: `a name or an id in ${turn}`, isRequired: false };
  const data: TakeText = (value) => takeData(value, optional);
  const id: TakeText = (value) => takeData(value, { ...optional, isId: true });
  const call: TakeText = (value, isName) =>
    takeData(value, { message: index, name: `the call of a tool in ${turn}`, isRequired: true, isName });
  const entries: [string, Node][] = [['role', role]];
  // Beside calls, null is no text. Many templates fail on null, and transformers leaves the field out.
  entries.push(['content', text(content ?? '', 'content', 'the text')]);
  if (reasoning !== undefined) {
    entries.push(['reasoning_content', text(reasoning, 'reasoning', 'the reasoning')]);
  }
  if (calls !== undefined)
    entries.push(['tool_calls', calls.map((each) => callShape(each, { id, data, call }, turn))]);
  if (message.tool_call_id !== undefined) entries.push(['tool_call_id', id(message.tool_call_id)]);
  if (message.name !== undefined) entries.push(['name', data(message.name)]);
  return new Entries(entries);
}

function callShape(
  { id, type, function: called }: ToolCall,
  take: { readonly id: TakeText; readonly data: TakeText; readonly call: TakeText },
  turn: string,
): Node {
  const given = called.arguments;
  const entries: [string, Node][] = [];
  if (id !== undefined) entries.push(['id', take.id(id)]);
  if (type !== undefined) entries.push(['type', take.data(type)]);
  const values =
    typeof given === 'string' ? take.call(given) : dataShape(given, take.call, `a call in ${turn}`);
  entries.push([
    'function',
    new Entries([
      ['name', take.call(called.name, true)],
      ['arguments', values],
    ]),
  ]);
  return new Entries(entries);
}

/** Takes all strings out of plain data. */
function dataShape(value: unknown, take: TakeText, name: string, depth = 0): Node {
  if (depth > MAX_DEPTH) throw badMessage(`${name} is nested deeper than ${MAX_DEPTH} levels`);
  if (typeof value === 'string') return take(value);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const inner = (each: unknown) => dataShape(each, take, name, depth + 1);
  if (Array.isArray(value)) return value.map(inner);
  if (isObject(value)) {
    const present = Object.entries(value).filter(([, each]) => each !== undefined);
    return new Entries(present.map(([key, each]) => [take(key, true), inner(each)]));
  }
  throw badMessage(`${name} holds a value that is not JSON`);
}

function filled(node: Node, contents: readonly string[]): TemplateValue {
  const fill = (hole: Hole | string) => (hole instanceof Hole ? (contents[hole.index] ?? '') : hole);
  if (node instanceof Hole) return fill(node);
  if (node instanceof Entries) {
    return Object.fromEntries(node.list.map(([key, each]) => [fill(key), filled(each, contents)]));
  }
  if (typeof node === 'object' && node !== null) return node.map((each) => filled(each, contents));
  return node;
}

/** Templates write roles beside special tokens, as their own text, so a role must not be able to spell one. */
function checkTurn({ role, content, tool_calls: calls }: Turn, index: number): void {
  if (typeof role !== 'string' || !/^[\w-]{1,64}$/.test(role)) {
    throw badMessage(`message ${index + 1} has a role that is not a word`);
  }
  const isText = typeof content === 'string' || (content === null && calls !== undefined);
  if (!isText) throw badMessage(`message ${index + 1} has no text as its content`);
}

function badMessage(problem: string): TokenizeError {
  return new TokenizeError(
    'bad-message',
    problem,
    'give { role, content }: a role such as "user", and a string, or null beside calls of tools',
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
