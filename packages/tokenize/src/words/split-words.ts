import { preTokenPattern } from '../bpe/pre-tokens.js';
import { controlTokens } from '../control-tokens.js';
import type { TokenizerJson } from '../tokenizer-json.js';

/**
 * Characters of which JavaScript and the library have one opinion, in every version of Unicode: ASCII, the printable half of
 * Latin-1, and frequent punctuation. Each is one UTF-16 unit and its own composed form (NFC).
 */
const PLAIN = /^[\p{ASCII}\xa0-\xff\u2010-\u2027\u20ac]*$/u;
const FOREIGN = /[^\p{ASCII}\xa0-\xff\u2010-\u2027\u20ac]/gu;
/** The end of a word that every known pattern ends there: none goes on from a letter to a space. */
const END_OF_WORD = /[A-Za-z](?= [A-Za-z])/g;

/** The library's patterns of contractions, words, digits, punctuation and white space, as published tokenizers spell them. */
const LLAMA_START = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|`;
const LLAMA_END = String.raw`| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
/** JavaScript of Node 20 has no flags within a pattern. */
const LLAMA_START_JS = String.raw`'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|`;

/** The pattern of GPT-2, which the component ByteLevel brings along (Radford et al. 2019). */
const GPT_2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

const SPACE = 0x20;

/** Patterns of the library, and those of JavaScript that split plain text alike. */
const PATTERNS: ReadonlyMap<string, string> = new Map([
  [`${LLAMA_START}\\p{N}{1,3}${LLAMA_END}`, `${LLAMA_START_JS}\\p{N}{1,3}${LLAMA_END}`],
  [`${LLAMA_START}\\p{N}${LLAMA_END}`, `${LLAMA_START_JS}\\p{N}${LLAMA_END}`],
  [preTokenPattern, preTokenPattern],
]);

/** Whether JavaScript can split a text as the library does. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

/** Splits a text into words, and runs of words that the library has to split, which are those that are not plain. */
export type WordSplitter = (text: string) => readonly string[];

/**
 * Makes the function that splits text into the words (pre-tokens) within which a tokenizer looks for tokens, as the library
 * splits it. The ids of a text are then those of its words, one after the other, and a word has the same ids everywhere.
 *
 * @returns undefined for a tokenizer that does more to a text than known patterns do
 */
export function wordSplitter(json: TokenizerJson): WordSplitter | undefined {
  const { normalizer, pre_tokenizer: steps, model } = json;
  const dropout: unknown = Reflect.get(model, 'dropout');
  const isKnown =
    model.type === 'BPE' && (dropout ?? null) === null && keepsPlain(normalizer) && hasSimpleTokens(json);
  const patterns = isKnown ? patternsOf(steps) : undefined;
  if (patterns === undefined) return undefined;
  const [first = /.+/gs, ...others] = patterns;
  const split = (text: string): readonly string[] => {
    let words: readonly string[] = text.match(first) ?? [];
    for (const pattern of others) words = words.flatMap((word) => word.match(pattern) ?? []);
    return words;
  };
  return (text) =>
    isPlain(text) ? split(text) : runsOf(text).flatMap((run) => (isPlain(run) ? split(run) : [run]));
}

/** Cuts a text around characters that are not plain, at ends of words. */
function runsOf(text: string): readonly string[] {
  const runs: string[] = [];
  const nextAfter = (pattern: RegExp, from: number) => {
    pattern.lastIndex = from;
    return pattern.exec(text)?.index;
  };
  let done = 0;
  for (let at = nextAfter(FOREIGN, 0); at !== undefined; at = nextAfter(FOREIGN, done)) {
    const start = endOfWordBefore(text, done, at);
    const last = nextAfter(END_OF_WORD, at);
    const end = last === undefined ? text.length : last + 1;
    if (start > done) runs.push(text.slice(done, start));
    runs.push(text.slice(start, end));
    done = end;
  }
  if (done < text.length) runs.push(text.slice(done));
  return runs;
}

/** The last end of a word before a place, or the start where there is none. */
function endOfWordBefore(text: string, start: number, place: number): number {
  const isLetter = (at: number) => /[A-Za-z]/.test(text.charAt(at));
  for (let end = place - 2; end > start; end--) {
    if (text.charCodeAt(end) === SPACE && isLetter(end - 1) && isLetter(end + 1)) return end;
  }
  return start;
}

/** Whether a normalizer leaves plain text as it is. */
function keepsPlain(normalizer: unknown): boolean {
  return (normalizer ?? null) === null || (isObject(normalizer) && normalizer.type === 'NFC');
}

/** Whether added tokens are not found in texts of records, and take nothing from the text beside them. */
function hasSimpleTokens(json: TokenizerJson): boolean {
  const { added_tokens: added = [] } = json;
  if (controlTokens(json).length < added.length) return false;
  return added.every((token) => {
    const flags = ['single_word', 'lstrip', 'rstrip'].map((flag) => Reflect.get(token, flag) ?? false);
    return token.content !== '' && flags.every((flag) => flag === false);
  });
}

/** The patterns that split a text one after the other; undefined where one is not known. */
function patternsOf(step: unknown): readonly RegExp[] | undefined {
  if (!isObject(step)) return undefined;
  const { type } = step;
  if (type === 'Sequence') {
    const inner = Array.isArray(step.pretokenizers) ? step.pretokenizers.map(patternsOf) : [];
    // Each known component, and bytes at the end of all.
    return inner.length > 0 && inner.every((one) => one !== undefined) ? inner.flat() : undefined;
  }
  if (type === 'ByteLevel' && step.add_prefix_space === false) {
    return step.use_regex === false ? [] : [new RegExp(GPT_2, 'gu')];
  }
  if (type === 'Digits' && step.individual_digits === true) return [/\p{N}|\P{N}+/gu];
  if (type !== 'Split' || step.behavior !== 'Isolated' || step.invert !== false) return undefined;
  const regex = isObject(step.pattern) ? step.pattern.Regex : undefined;
  const pattern = typeof regex === 'string' ? PATTERNS.get(regex) : undefined;
  return pattern === undefined ? undefined : [new RegExp(pattern, 'gu')];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
