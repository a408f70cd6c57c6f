import { readFile, stat } from 'node:fs/promises';
import { type Block, type JudgePrompt, judgePrompts } from '@gram/tokenize';
import { CliError } from '../error.js';

/** The flag that says how to ask a model. */
export const judgePromptFlag = {
  value: 'ID_OR_FILE',
  help: `How to ask a language model that has no gram.json: ${idsOfPrompts()}, or a JSON file.`,
} as const;

// A hundred times what an instruction needs.
const MAX_BYTES = 1_000_000;

const FIELDS = [
  'id',
  'instruction',
  'question',
  'answers',
  'between',
  'tail',
  'labels',
  'markers',
  'markersCount',
] as const satisfies readonly (keyof JudgePrompt)[];

/**
 * The judging prompt of an id or, where there is none of it, in a JSON file.
 *
 * @throws CliError `bad-file`
 */
export async function readJudgePrompt(idOrFile: string): Promise<JudgePrompt> {
  const known = judgePrompts.find(({ id }) => id === idOrFile);
  if (known !== undefined) return known;
  const found = await stat(idOrFile).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new CliError(
      'bad-file',
      `${JSON.stringify(idOrFile)} is neither a judging prompt nor a file`,
      `give ${idsOfPrompts()}, or a JSON file`,
    );
  }
  if (found.size > MAX_BYTES) {
    throw new CliError(
      'bad-file',
      `${idOrFile} has ${found.size} bytes, and a judging prompt at most ${MAX_BYTES}`,
      'check that it is the file you mean',
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(await readFile(idOrFile, 'utf8'));
  } catch (cause) {
    throw new CliError('bad-file', `${idOrFile} can not be read as JSON`, 'repair the file', { cause });
  }
  return parseJudgePrompt(json, idOrFile);
}

/**
 * Checks that a value is a judging prompt: every field of `JudgePrompt` and no other; different labels; at least one marker,
 * and no two that overlap.
 *
 * @param where names the value in errors
 * @throws CliError `bad-file`, naming the field
 */
export function parseJudgePrompt(json: unknown, where: string): JudgePrompt {
  const refuse = (field: string, problem: string) =>
    new CliError(
      'bad-file',
      `${where}: ${field} ${problem}`,
      'repair the judging prompt; the README of @gram/cli shows one',
    );

  function object(value: unknown, field: string, fields: readonly string[]): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw refuse(field, 'is not an object');
    }
    const prefix = value === json ? '' : `${field}.`;
    const missing = fields.find((name) => !Object.hasOwn(value, name));
    if (missing !== undefined) throw refuse(`${prefix}${missing}`, 'is missing');
    const unknown = Object.keys(value).find((name) => !fields.includes(name));
    if (unknown !== undefined) throw refuse(JSON.stringify(unknown.slice(0, 100)), 'is not a known field');
    return value as Record<string, unknown>;
  }

  function text(value: unknown, field: string): string {
    if (typeof value !== 'string') throw refuse(field, 'is not a string');
    return value;
  }

  function word(value: unknown, field: string): string {
    if (text(value, field) === '') throw refuse(field, 'is empty');
    return value as string;
  }

  function list(value: unknown, field: string): readonly unknown[] {
    if (!Array.isArray(value)) throw refuse(field, 'is not a list');
    return value;
  }

  function two<T>(
    value: unknown,
    field: string,
    read: (value: unknown, field: string) => T,
  ): readonly [T, T] {
    const found = list(value, field);
    if (found.length !== 2) throw refuse(field, `has ${found.length} entries and needs 2`);
    return [read(found[0], `${field}[0]`), read(found[1], `${field}[1]`)];
  }

  function block(value: unknown, field: string): Block {
    const { start, end } = object(value, field, ['start', 'end']);
    return { start: text(start, `${field}.start`), end: text(end, `${field}.end`) };
  }

  const fields = object(json, 'the judging prompt', FIELDS);
  const labels = two(fields.labels, 'labels', word);
  if (labels[0] === labels[1]) throw refuse('labels', 'holds one label twice');
  const markers = list(fields.markers, 'markers').map((marker, at) => word(marker, `markers[${at}]`));
  if (markers.length === 0) throw refuse('markers', 'is empty');
  for (const [at, marker] of markers.entries()) {
    const other = markers.findIndex((found, index) => index !== at && overlaps(marker, found));
    if (other >= 0) throw refuse(`markers[${at}]`, `overlaps with markers[${other}]`);
  }
  const { markersCount } = fields;
  if (markersCount !== 'anywhere' && markersCount !== 'at-line-start') {
    throw refuse('markersCount', 'is neither "anywhere" nor "at-line-start"');
  }
  return {
    id: word(fields.id, 'id'),
    instruction: text(fields.instruction, 'instruction'),
    question: block(fields.question, 'question'),
    answers: two(fields.answers, 'answers', block),
    between: text(fields.between, 'between'),
    tail: text(fields.tail, 'tail'),
    labels,
    markers,
    markersCount,
  };
}

/** Whether a text holds another one, or ends in what the other one starts with. */
function overlaps(text: string, other: string): boolean {
  if (text.includes(other)) return true;
  for (let length = 1; length < other.length; length++) {
    if (text.endsWith(other.slice(0, length))) return true;
  }
  return false;
}

function idsOfPrompts(): string {
  return judgePrompts.map(({ id }) => id).join(', ');
}
