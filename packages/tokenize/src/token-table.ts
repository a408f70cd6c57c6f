import type { AddedTokenJson, TokenizerJson } from './tokenizer-json.js';

/** Ids and names of the tokens of a tokenizer. */
export interface TokenTable {
  idOf(token: string): number | undefined;
  nameOf(id: number): string | undefined;
  /** The added token with an id. */
  addedOf(id: number): AddedTokenJson | undefined;
}

/**
 * Reads the tokens of a tokenizer from its file, where it is certain that the library opens the file and gives these ids. Opening
 * takes the library most of the time of a short command, which then does without it.
 *
 * @param json a tokenizer whose rules of words are known
 * @param vocabulary ids of its model by their names, all different
 * @returns undefined where the library has to be asked
 */
export function tokenTableOf(
  json: TokenizerJson,
  vocabulary: ReadonlyMap<string, number>,
): TokenTable | undefined {
  const added = addedById(json.added_tokens ?? [], vocabulary);
  if (added === undefined || !isWellFormed(json, vocabulary)) return undefined;
  const addedIds = new Map([...added].map(([id, { content }]) => [content, id]));
  let names: string[] | undefined;
  return {
    idOf: (token) => addedIds.get(token) ?? vocabulary.get(token),
    nameOf(id) {
      names ??= namesOf(vocabulary);
      return added.get(id)?.content ?? names[id];
    },
    addedOf: (id) => added.get(id),
  };
}

/** The names of tokens by their ids. */
function namesOf(vocabulary: ReadonlyMap<string, number>): string[] {
  const names: string[] = [];
  for (const [name, id] of vocabulary) names[id] = name;
  return names;
}

/**
 * The added tokens by the ids that the library gives them: those of the vocabulary, or the next free ones. Undefined where the file
 * says others, or the library would refuse one.
 */
function addedById(
  tokens: readonly AddedTokenJson[],
  vocabulary: ReadonlyMap<string, number>,
): ReadonlyMap<number, AddedTokenJson> | undefined {
  const added = new Map<number, AddedTokenJson>();
  const contents = new Set<string>();
  let largest = -1;
  for (const token of tokens) {
    const { content, id } = token;
    const given = vocabulary.get(content) ?? Math.max(largest + 1, vocabulary.size);
    const flags = ['single_word', 'lstrip', 'rstrip', 'normalized', 'special'];
    const isWhole = flags.every((flag) => typeof Reflect.get(token, flag) === 'boolean');
    if (!isWhole || given !== id || added.has(id) || contents.has(content)) return undefined;
    added.set(id, token);
    contents.add(content);
    largest = Math.max(largest, id);
  }
  return added;
}

/** Whether the library reads the parts of a file that rules of words and vocabulary leave open. */
function isWellFormed(
  { version, decoder, pre_tokenizer: steps, model }: TokenizerJson,
  vocabulary: ReadonlyMap<string, number>,
): boolean {
  const field = (name: string): unknown => Reflect.get(model, name) ?? null;
  const isFlag = (name: string) => field(name) === null || typeof field(name) === 'boolean';
  const isName = (name: string) => field(name) === null || typeof field(name) === 'string';
  const unknown = field('unk_token');
  return (
    (version === undefined || version === '1.0') &&
    (isAbsent(decoder) || isByteLevel(decoder)) &&
    everyByteLevel(steps) &&
    (unknown === null || (typeof unknown === 'string' && vocabulary.has(unknown))) &&
    ['fuse_unk', 'byte_fallback', 'ignore_merges'].every(isFlag) &&
    ['continuing_subword_prefix', 'end_of_word_suffix'].every(isName)
  );
}

/** Whether the steps that write bytes as characters are whole; the others are, where the rules are known. */
function everyByteLevel(step: unknown): boolean {
  if (!isObject(step)) return true;
  if (Array.isArray(step.pretokenizers)) return step.pretokenizers.every(everyByteLevel);
  return step.type !== 'ByteLevel' || isByteLevel(step);
}

function isByteLevel(step: unknown): boolean {
  if (!isObject(step) || step.type !== 'ByteLevel') return false;
  const flags = ['add_prefix_space', 'trim_offsets'].every((flag) => typeof step[flag] === 'boolean');
  return flags && (step.use_regex === undefined || typeof step.use_regex === 'boolean');
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
