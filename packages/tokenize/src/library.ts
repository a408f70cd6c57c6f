import { readFileSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, writeFileAtomic } from '@gram/base';
import { byteDecoderOf } from './byte-decoder.js';
import { componentProblem, maximumText } from './checks/components.js';
import { type HiddenControls, hideControlTokens } from './control-tokens.js';
import { TokenizeError } from './error.js';
import { checkIds, checkText, encoded, encoderOfParts, openNative, spansOf } from './native.js';
import { tokenTableOf } from './token-table.js';
import { brokenTokenizer, parseTokenizerJson, type TokenizerJson } from './tokenizer-json.js';
import { createJoinedEncoder, type JoinedEncoder } from './words/joined-encoder.js';
import { createMerger, vocabularyOf } from './words/merger.js';
import { wordRulesOf } from './words/rules.js';
import { type Span, withTokens } from './words/token-list.js';
import { createWordEncoder } from './words/word-encoder.js';

export type { Span } from './words/token-list.js';

/** Limit of a tokenizer.json: larger than any that is published (about 35 MB), and small enough to parse safely. */
const MAX_FILE_BYTES = 128 * 1024 * 1024;

/** Texts of templates that are remembered: a run writes a few of them around every record. */
const REMEMBERED_TEMPLATES = 64;
/** Longest one that is remembered, in UTF-16 units. */
const LONGEST_TEMPLATE = 4096;

/** A part of a text. */
export interface Segment {
  readonly text: string;
  /** Whether a template wrote it. Everything else comes from a record and must not yield control tokens. */
  readonly trusted: boolean;
}

/** Converts text to token ids and back. It has no state between calls; calls run on Node's thread pool. */
export interface Tokenizer {
  /** One more than the largest id, which is the number of rows that an embedding needs. */
  readonly vocabSize: number;
  /**
   * Encodes untrusted text. A control token that is spelled out in it is ordinary text: no text has the id of an added token,
   * special or not, except runs of white space. Adds nothing at the ends.
   */
  encode(text: string): Promise<number[]>;
  /** Encodes trusted template text, in which special tokens are parsed. Adds nothing at the ends. */
  encodeTemplate(text: string): Promise<number[]>;
  /**
   * Encodes the joined text of segments at once, as Python's `tokenizers` encodes it, but that control tokens are parsed in
   * trusted segments alone. Adds nothing at the ends.
   *
   * @param options `continues` (default false) says that the text stands after another one: a tokenizer that puts a space before
   *   texts puts none before this one
   * @throws {TokenizeError} `template-unsupported` if the control tokens of the result are not those of the trusted segments
   */
  encodeSegments(segments: readonly Segment[], options?: { readonly continues?: boolean }): Promise<number[]>;
  /** Finds the place in an untrusted text of each token that `encode` gives, in UTF-16 units. Places of tokens may overlap. */
  spans(text: string): Promise<readonly Span[]>;
  /** Whether an untrusted text spells a control token, which `encode` takes for ordinary text. */
  spellsControl(text: string): boolean;
  /** Decodes ids; unknown ids give nothing. `skipSpecial` (default false) leaves out special tokens. */
  decode(ids: readonly number[], options?: { readonly skipSpecial?: boolean }): Promise<string>;
  /** Returns the id of a token by its name in the vocabulary, which includes special tokens. */
  tokenId(token: string): number | undefined;
  /** Returns the name of a token in the vocabulary. Byte-level vocabularies spell bytes as printable characters. */
  tokenName(id: number): string | undefined;
  /** The exact contents of the tokenizer.json. */
  readonly json: string;
  /** Writes `json` to `tokenizer.json` in a directory, which is created. The file is written whole or not at all. */
  save(directory: string): Promise<void>;
}

/**
 * Reads a Hugging Face tokenizer from disk.
 *
 * @param path a `tokenizer.json`, or a directory that holds one
 * @throws {TokenizeError} `tokenizer-missing`, `tokenizer-too-large`, `tokenizer-broken`
 *
 * @example
 * ```ts
 * const tokenizer = loadTokenizer('path/to/model');
 * const ids = await tokenizer.encode('Hello!');
 * ```
 */
export function loadTokenizer(path: string): Tokenizer {
  let file = path;
  try {
    if (statSync(path).isDirectory()) file = join(path, 'tokenizer.json');
    const found = statSync(file);
    // A device has no end, and a pipe may have no writer.
    if (!found.isFile()) throw brokenTokenizer(file, 'it is not a regular file');
    const { size } = found;
    if (size > MAX_FILE_BYTES) throw tooLarge(file, size);
    return fromText(readFileSync(file, 'utf8'), file);
  } catch (cause) {
    if (cause instanceof TokenizeError) throw cause;
    throw new TokenizeError(
      'tokenizer-missing',
      `cannot read a tokenizer from ${file}`,
      'give the path of a tokenizer.json or of the directory that holds it',
      { cause },
    );
  }
}

/**
 * Builds a tokenizer from the contents of a `tokenizer.json`, as text or as an object.
 *
 * @throws {TokenizeError} `tokenizer-too-large`, `tokenizer-broken`
 */
export function tokenizerFromJson(json: object | string): Tokenizer {
  const text = typeof json === 'string' ? json : `${JSON.stringify(json, null, 2)}\n`;
  if (text.length > MAX_FILE_BYTES) throw tooLarge('the given JSON', text.length);
  return fromText(text, 'the given JSON');
}

/**
 * Builds the tokenizer of a model from the texts of its files.
 *
 * @param source name of the model, for errors
 * @throws {TokenizeError} `tokenizer-missing`, `tokenizer-too-large`, `tokenizer-broken`
 */
export function tokenizerOf(
  { tokenizerJson }: { readonly tokenizerJson?: string },
  source: string,
): Tokenizer {
  if (tokenizerJson !== undefined) return fromText(tokenizerJson, `tokenizer.json of ${source}`);
  throw new TokenizeError(
    'tokenizer-missing',
    `${source} has no tokenizer.json`,
    'add the tokenizer.json of the model; transformers converts other formats',
  );
}

/**
 * Tokenizers in use, by the hash of their text. They never change, and one takes about 1 kB of memory for each of its tokens: a
 * policy and its judge have it once.
 */
const inUse = new Map<string, WeakRef<Tokenizer>>();

/** The tokenizer of a text: one that is in use, or a new one. */
function fromText(text: string, source: string): Tokenizer {
  const key = sha256(text);
  const known = inUse.get(key)?.deref();
  if (known !== undefined) return known;
  const opened = openText(text, source);
  for (const [other, reference] of inUse) if (reference.deref() === undefined) inUse.delete(other);
  inUse.set(key, new WeakRef(opened));
  return opened;
}

function openText(text: string, source: string): Tokenizer {
  const { table, full, hidden, plain, words, decodeIds, limit, vocabSize } = openTokenizer(text, source);
  const about = { source, limit };
  const templates = new Map<string, readonly number[]>();
  const templateParts = remembered(hidden.parts);
  const idsByWords = (parts: readonly (string | number)[], shown: string) => {
    checkText(shown, about.limit);
    return words === undefined ? undefined : encodeParts(parts, words);
  };
  const encodeTrusted = async (value: string) =>
    (table && (await idsByWords(hidden.parts(value), value))) ??
    (await encoded(full(), value, about)).getIds();
  return {
    vocabSize,
    encode: async (value) =>
      (await idsByWords([value], value)) ?? (await encoded(plain(), value, about)).getIds(),
    encodeTemplate: async (value) => {
      const ids = templates.get(value) ?? (await encodeTrusted(value));
      remember(templates, value, ids);
      return [...ids];
    },
    encodeSegments: async (segments, { continues = false } = {}) => {
      const shown = segments.map(({ text }) => text).join('');
      const byWords = await idsByWords(partsOf(segments, templateParts), shown);
      if (byWords !== undefined) return byWords;
      const written = segments.map((each) => (each.trusted ? hidden.spell(each.text) : each.text)).join('');
      const before = continues ? hidden.seam : '';
      const all = (await encoded(plain(), before + written, { ...about, shown })).getIds();
      const ids = all.slice(continues ? 1 : 0);
      checkControls(ids, segments, hidden);
      return ids;
    },
    spans: async (value) => {
      checkText(value, about.limit);
      return (
        (await spansByWords(value, words)) ??
        spansOf((await encoded(plain(), value, about)).getOffsets(), value)
      );
    },
    spellsControl: hidden.spells,
    decode: async (ids, { skipSpecial = false } = {}) => {
      checkIds(ids);
      return decodeIds?.(ids, skipSpecial) ?? full().decode([...ids], skipSpecial);
    },
    tokenId: hidden.idOf,
    tokenName: (id) => (table === undefined ? (full().idToToken(id) ?? undefined) : table.nameOf(id)),
    json: text,
    save: (directory) => save(directory, text),
  };
}

/**
 * Opens the parts of a tokenizer: at once, or where its file tells what they are, the library's when they are first needed. Then the
 * file is parsed again, so that its lists take no memory meanwhile.
 *
 * `full` is the tokenizer itself. The library has no switch that leaves added tokens unparsed, hence `plain`, a second copy in which
 * nobody can name them.
 */
function openTokenizer(text: string, source: string) {
  let read: TokenizerJson | undefined = parseTokenizerJson(text, source);
  const full = once(() => openNative(read ?? parseTokenizerJson(text, source), source));
  const plain = once(() => openNative(hidden.rename(read ?? parseTokenizerJson(text, source)), source));
  const { rules, vocabulary, merger, table } = partsOfFile(read, source);
  if (table === undefined) full();
  const idOf = table?.idOf ?? ((token: string) => full().tokenToId(token) ?? undefined);
  const hidden = { ...hideControlTokens(read, { idOf, vocabulary }, source), idOf };
  if (table === undefined) plain();
  const words =
    rules && merger && createJoinedEncoder(createWordEncoder(rules, merger, encoderOfParts(plain, hidden)));
  const decodeIds = table && byteDecoderOf(read, table);
  const limit = maximumText(read);
  const vocabSize = vocabSizeOf(read, vocabulary, idOf);
  read = undefined;
  return { table, full, hidden, plain, words, decodeIds, limit, vocabSize };
}

/** The parts that are known without the library, each undefined where the library has to be asked. */
function partsOfFile(json: TokenizerJson, source: string) {
  const rules = wordRulesOf(json);
  const vocabulary = rules && vocabularyOf(json.model);
  const merger = vocabulary && createMerger(json.model, vocabulary);
  const table = merger && tokenTableOf(json, vocabulary);
  const problem = componentProblem(json, table !== undefined);
  if (problem !== undefined) throw brokenTokenizer(source, problem);
  return { rules, vocabulary, merger, table };
}

/** One more than the largest id. The library would hand out its vocabulary as an object, which takes as long as opening it. */
function vocabSizeOf(
  { model: { vocab }, added_tokens: added = [] }: TokenizerJson,
  vocabulary: ReadonlyMap<string, number> | undefined,
  idOf: (token: string) => number | undefined,
): number {
  const ids: Iterable<unknown> =
    vocabulary?.values() ?? (Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab ?? {}));
  let largest = -1;
  for (const id of ids) if (typeof id === 'number' && id > largest) largest = id;
  return added.reduce((most, { content }) => Math.max(most, idOf(content) ?? -1), largest) + 1;
}

/** A function of texts of templates that remembers its results. */
function remembered<Result>(compute: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const result = known.get(text) ?? compute(text);
    remember(known, text, result);
    return result;
  };
}

function remember<Result>(known: Map<string, Result>, text: string, result: Result): void {
  if (text.length > LONGEST_TEMPLATE || known.has(text)) return;
  if (known.size >= REMEMBERED_TEMPLATES) known.clear();
  known.set(text, result);
}

/** Makes a value when it is first needed. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The texts of segments, with the ids of the control tokens between them. */
function partsOf(
  segments: readonly Segment[],
  templateParts: HiddenControls['parts'],
): readonly (string | number)[] {
  return segments.flatMap(({ text, trusted }) => (trusted ? templateParts(text) : [text]));
}

/** Encodes texts and control tokens; undefined where a text has to be encoded as a whole. */
function encodeParts(
  parts: readonly (string | number)[],
  encoder: JoinedEncoder,
): Promise<number[] | undefined> {
  return withTokens(async (tokens) => {
    const all: number[] = [];
    let texts: string[] = [];
    for (const part of [...parts, undefined]) {
      if (typeof part === 'string') {
        texts.push(part);
        continue;
      }
      if (!(await encoder.encode(texts, tokens))) return undefined;
      tokens.appendIdsTo(all);
      tokens.clear();
      texts = [];
      if (part !== undefined) all.push(part);
    }
    return all;
  });
}

function spansByWords(
  text: string,
  encoder: JoinedEncoder | undefined,
): Promise<readonly Span[] | undefined> {
  return withTokens(async (tokens) => {
    const isEncoded = await encoder?.encode([text], tokens, { withSpans: true });
    return isEncoded ? tokens.spans() : undefined;
  });
}

/** Checks that the control tokens of ids are those that the trusted segments spell. */
function checkControls(ids: readonly number[], segments: readonly Segment[], hidden: HiddenControls): void {
  const wanted = segments.flatMap(({ text, trusted }) => (trusted ? hidden.idsIn(text) : []));
  const found = ids.filter(hidden.isControl);
  if (found.length === wanted.length && found.every((id, index) => id === wanted[index])) return;
  throw new TokenizeError(
    'template-unsupported',
    'the tokenizer finds other added tokens in a conversation than its template writes',
    'use a template that does not write added tokens beside words, which the tokenizer then reads as one',
  );
}

async function save(directory: string, text: string): Promise<void> {
  const target = join(directory, 'tokenizer.json');
  try {
    await mkdir(directory, { recursive: true });
    await writeFileAtomic(target, text);
  } catch (cause) {
    throw new TokenizeError(
      'save-failed',
      `cannot write ${target}`,
      'check that you may write to the directory and that the disk has space',
      { cause },
    );
  }
}

function tooLarge(source: string, size: number): TokenizeError {
  return new TokenizeError(
    'tokenizer-too-large',
    `${source} has ${size} bytes, more than the limit of ${MAX_FILE_BYTES}`,
    'check that the file is a tokenizer.json',
  );
}
