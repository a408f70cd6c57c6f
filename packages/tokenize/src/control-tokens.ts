import { randomUUID } from 'node:crypto';
import { quote } from '@gram/base';
import { type AddedTokenJson, brokenTokenizer, type TokenizerJson } from './tokenizer-json.js';

/** Flags of an added token that stands for itself. */
const NO_FLAGS = { single_word: false, lstrip: false, rstrip: false, normalized: false } as const;

/** The library gives new tokens the next free id, whatever the file says. */
const SEAM_ID = 2 ** 31;

/** A tokenizer whose control tokens have names that nobody can guess, so that no text can spell one. */
export interface HiddenControls {
  /** Gives these names to the tokens of the tokenizer's file. */
  rename(json: TokenizerJson): TokenizerJson;
  /** A token of its own that may stand before a text, which then does not begin the input. */
  readonly seam: string;
  /** Writes the control tokens of a trusted text by their hidden names; of several that match, the longest. */
  spell(text: string): string;
  /** Whether a text spells a control token. */
  spells(text: string): boolean;
  /** The texts between the control tokens of a trusted text, and in their places the ids of these. */
  parts(text: string): readonly (string | number)[];
  /** The ids of the control tokens that a trusted text holds, in order. */
  idsIn(text: string): readonly number[];
  /** Whether an id is that of a control token that texts cannot have. */
  isControl(id: number): boolean;
}

/**
 * Tells the control tokens of a tokenizer: all added tokens, special or not, such as `<think>` of Qwen3, but for runs of white
 * space that are not special. Those belong to ordinary text in some vocabularies and structure nothing.
 */
export function controlTokens({ added_tokens: added = [] }: TokenizerJson): readonly AddedTokenJson[] {
  return added.filter(({ content, special }) => special === true || !/^[\s▁]*$/.test(content));
}

/** Ids of the tokens of a tokenizer, as they are known before the library has opened it. */
export interface KnownTokens {
  /** The id of a token by its name in the tokenizer itself. */
  idOf(token: string): number | undefined;
  /** Ids of the model's vocabulary, where it was read. */
  readonly vocabulary?: ReadonlyMap<string, number> | undefined;
}

/**
 * Renames every control token of a tokenizer. Ids stay as they are. Tokens are renamed in the vocabulary as well, as a model may
 * look up a whole word there before it merges anything, and merges that would give one are left out.
 *
 * @param tokens they decide over the ids of the file
 * @param source name of the file, for errors
 * @throws {TokenizeError} `tokenizer-broken` if another token has the id of a control token
 */
export function hideControlTokens(
  json: TokenizerJson,
  { idOf, vocabulary }: KnownTokens,
  source: string,
): HiddenControls {
  const nonce = randomUUID();
  const controls = controlTokens(json);
  const renamed = new Map(controls.map(({ content }, index) => [content, `<${nonce}-${index}>`]));
  const rename = (content: string) => renamed.get(content) ?? content;
  const ids = new Map(controls.map(({ content }) => [content, idOf(content) ?? -1]));
  const { vocab } = json.model;
  checkIds(vocabulary ?? (isObject(vocab) ? Object.entries(vocab) : []), ids, source);
  const pattern = patternOf(controls);
  // A text may hold the token for what a vocabulary lacks without spelling it.
  const unknown = unknownOf(json);
  const closed = new Set([...ids].flatMap(([content, id]) => (content === unknown ? [] : [id])));
  const unknownId = ids.get(unknown ?? '');
  const seam = `<${nonce}-seam>`;
  return {
    seam,
    rename: (file) => withNames(file, renamed, seam),
    spell: (text) => text.replace(pattern, rename),
    spells: (text) => text.search(pattern) >= 0,
    parts(text) {
      const parts: (string | number)[] = [];
      let from = 0;
      for (const { 0: found, index } of text.matchAll(pattern)) {
        parts.push(text.slice(from, index), ids.get(found) ?? -1);
        from = index + found.length;
      }
      return [...parts, text.slice(from)];
    },
    idsIn: (text) =>
      [...text.matchAll(pattern)].map(([found]) => ids.get(found) ?? -1).filter((id) => id !== unknownId),
    isControl: (id) => closed.has(id),
  };
}

/** A copy of a tokenizer's file with other names for its control tokens, and with one more. It stands apart, so that no file is kept. */
function withNames(
  { model, added_tokens: added = [], ...json }: TokenizerJson,
  renamed: ReadonlyMap<string, string>,
  seam: string,
): TokenizerJson {
  const { vocab, unk_token: unknown, merges } = model;
  const rename = (content: string) => renamed.get(content) ?? content;
  return {
    ...json,
    added_tokens: [
      ...added.map((token) => ({ ...token, content: rename(token.content) })),
      { id: SEAM_ID, content: seam, special: true, ...NO_FLAGS },
    ],
    model: {
      ...model,
      ...(typeof unknown === 'string' && { unk_token: rename(unknown) }),
      ...(isObject(vocab) && { vocab: renamedKeys(vocab, renamed) }),
      ...(Array.isArray(vocab) && {
        vocab: vocab.map((entry) =>
          Array.isArray(entry) && typeof entry[0] === 'string'
            ? [rename(entry[0]), ...entry.slice(1)]
            : entry,
        ),
      }),
      ...(Array.isArray(merges) && { merges: merges.filter((merge) => !touches(merge, renamed)) }),
    },
  };
}

/** A copy of a vocabulary with other names for a few of its tokens. */
function renamedKeys(vocab: Readonly<Record<string, unknown>>, renamed: ReadonlyMap<string, string>) {
  const copy = { ...vocab };
  for (const [before, after] of renamed) {
    if (!Object.hasOwn(copy, before)) continue;
    copy[after] = copy[before];
    delete copy[before];
  }
  return copy;
}

/** The token that stands for what a vocabulary lacks: a name, or in a list of pieces a position. */
function unknownOf({
  model: { unk_token: name, unk_id: position, vocab },
}: TokenizerJson): string | undefined {
  if (typeof name === 'string') return name;
  const entry: unknown = Array.isArray(vocab) && typeof position === 'number' ? vocab[position] : undefined;
  return Array.isArray(entry) && typeof entry[0] === 'string' ? entry[0] : undefined;
}

/** Refuses a vocabulary in which ordinary text has the id of a control token. */
function checkIds(
  vocabulary: Iterable<readonly [string, unknown]>,
  controls: ReadonlyMap<string, number>,
  source: string,
): void {
  const owners = new Map([...controls].map(([content, id]) => [id, content]));
  for (const [token, id] of vocabulary) {
    const owner = typeof id === 'number' ? owners.get(id) : undefined;
    if (owner === undefined || controls.has(token)) continue;
    throw brokenTokenizer(
      source,
      `its vocabulary gives the id ${id} of the added token ${quote(owner)} to ${quote(token)} as well`,
    );
  }
}

/** Whether a merge joins or gives a renamed token. It is a text with a space in it, or a list of two. */
function touches(merge: unknown, renamed: ReadonlyMap<string, string>): boolean {
  const sides: readonly unknown[] =
    typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
  const [left, right] = sides;
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  return renamed.has(left) || renamed.has(right) || renamed.has(left + right);
}

function patternOf(controls: readonly AddedTokenJson[]): RegExp {
  const longestFirst = controls
    .map(({ content }) => content)
    .filter((content) => content !== '')
    .sort((a, b) => b.length - a.length);
  // An empty alternation would match everywhere.
  if (longestFirst.length === 0) return /(?!)/g;
  return new RegExp(longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'g');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
