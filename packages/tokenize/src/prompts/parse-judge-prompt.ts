import { quote } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { Block, JudgePrompt } from './judge-prompt.js';

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
 * Checks that a value is a judging prompt: every field of `JudgePrompt` and no other; different labels; at least one marker,
 * and no two that overlap.
 *
 * @param where names the value in errors
 * @throws {TokenizeError} `bad-prompt`, naming the field
 */
export function parseJudgePrompt(json: unknown, where: string): JudgePrompt {
  const fields = readObject({ where, name: '', value: json }, FIELDS);
  const field = (name: (typeof FIELDS)[number]): Field => ({ where, name, value: fields[name] });
  const labels = readTwo(field('labels'), readWord);
  if (labels[0] === labels[1]) throw refusal(field('labels'), 'holds one label twice');
  const { markersCount } = fields;
  if (markersCount !== 'anywhere' && markersCount !== 'at-line-start') {
    throw refusal(field('markersCount'), 'is neither "anywhere" nor "at-line-start"');
  }
  return {
    id: readWord(field('id')),
    instruction: readText(field('instruction')),
    question: readBlock(field('question')),
    answers: readTwo(field('answers'), readBlock),
    between: readText(field('between')),
    tail: readText(field('tail')),
    labels,
    markers: readMarkers(field('markers')),
    markersCount,
  };
}

/** A value in a file. */
interface Field {
  /** Name of the file. */
  readonly where: string;
  /** Path to the value; empty for the whole. */
  readonly name: string;
  readonly value: unknown;
}

function refusal({ where, name }: Field, problem: string): TokenizeError {
  return new TokenizeError(
    'bad-prompt',
    `${where}: ${name === '' ? 'the judging prompt' : name} ${problem}`,
    'correct the judging prompt; the README of @gram/cli shows one',
  );
}

function readObject(field: Field, names: readonly string[]): Readonly<Record<string, unknown>> {
  const { where, name, value } = field;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refusal(field, 'is not an object');
  }
  const missing = names.find((each) => !Object.hasOwn(value, each));
  if (missing !== undefined) {
    const path = name === '' ? missing : `${name}.${missing}`;
    throw refusal({ where, name: path, value }, 'is missing');
  }
  const unknown = Object.keys(value).find((each) => !names.includes(each));
  if (unknown !== undefined) throw refusal({ where, name: quote(unknown), value }, 'is not a known field');
  return Object.fromEntries(Object.entries(value));
}

function readText(field: Field): string {
  if (typeof field.value !== 'string') throw refusal(field, 'is not a string');
  return field.value;
}

function readWord(field: Field): string {
  const text = readText(field);
  if (text === '') throw refusal(field, 'is empty');
  return text;
}

function readList(field: Field): Field[] {
  const { where, name, value } = field;
  if (!Array.isArray(value)) throw refusal(field, 'is not a list');
  return value.map((entry, at) => ({ where, name: `${name}[${at}]`, value: entry }));
}

function readTwo<T>(field: Field, read: (entry: Field) => T): readonly [T, T] {
  const entries = readList(field);
  const [first, second] = entries;
  if (first === undefined || second === undefined || entries.length > 2) {
    throw refusal(field, `has ${entries.length} entries and needs 2`);
  }
  return [read(first), read(second)];
}

function readBlock(field: Field): Block {
  const { where, name } = field;
  const { start, end } = readObject(field, ['start', 'end']);
  return {
    start: readText({ where, name: `${name}.start`, value: start }),
    end: readText({ where, name: `${name}.end`, value: end }),
  };
}

function readMarkers(field: Field): string[] {
  const entries = readList(field);
  const markers = entries.map(readWord);
  if (markers.length === 0) throw refusal(field, 'is empty');
  const [at, other] = overlapOf(markers) ?? [];
  if (at !== undefined) {
    const { where, name } = field;
    throw refusal({ where, name: `${name}[${at}]`, value: markers[at] }, `overlaps with ${name}[${other}]`);
  }
  return markers;
}

/** Finds two markers that overlap: only markers that do not can be escaped so that the escape is undone exactly. */
export function overlapOf(markers: readonly string[]): [number, number] | undefined {
  for (const [at, marker] of markers.entries()) {
    const other = markers.findIndex((found, index) => index !== at && overlaps(marker, found));
    if (other >= 0) return [at, other];
  }
  return undefined;
}

/** Whether a text holds another one, or ends in what the other one starts with. */
function overlaps(text: string, other: string): boolean {
  if (text.includes(other)) return true;
  for (let length = 1; length < other.length; length++) {
    if (text.endsWith(other.slice(0, length))) return true;
  }
  return false;
}
