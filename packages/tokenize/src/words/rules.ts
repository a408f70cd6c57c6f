import { preTokenPattern } from '../bpe/pre-tokens.js';
import { controlTokens } from '../control-tokens.js';
import type { TokenizerJson } from '../tokenizer-json.js';

/** The rules by which a tokenizer splits text into words (pre-tokens). The patterns of the known tokenizers differ in them alone. */
export interface WordRules {
  /** Whether the contractions `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` and `'d` may also be written in capitals. */
  readonly foldsContractions: boolean;
  /** The character that may stand before the letters of a word: a space, or anything but letters, digits and line ends. */
  readonly beforeLetters: 'space' | 'any';
  /** Largest number of digits in a word. */
  readonly digits: number;
  /** Whether a space may stand before the digits of a word. */
  readonly spaceBeforeDigits: boolean;
  /** Whether line ends belong to the punctuation before them. */
  readonly linesAfterPunctuation: boolean;
  /** Whether white space up to its last line end is a word. */
  readonly endsAtLines: boolean;
  /** Whether digits are split off before anything else, so that a text ends before each of them. */
  readonly splitsDigitsFirst: boolean;
}

/** The library's patterns of contractions, words, digits, punctuation and white space, as published tokenizers spell them. */
const LLAMA_START = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|`;
const LLAMA_END = String.raw`| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

const LLAMA: WordRules = {
  foldsContractions: true,
  beforeLetters: 'any',
  digits: 3,
  spaceBeforeDigits: false,
  linesAfterPunctuation: true,
  endsAtLines: true,
  splitsDigitsFirst: false,
};

/** The pattern of GPT-2, which the component ByteLevel brings along (Radford et al. 2019). */
const GPT_2: WordRules = {
  foldsContractions: false,
  beforeLetters: 'space',
  digits: Number.POSITIVE_INFINITY,
  spaceBeforeDigits: true,
  linesAfterPunctuation: false,
  endsAtLines: false,
  splitsDigitsFirst: false,
};

const PATTERNS: ReadonlyMap<string, WordRules> = new Map([
  [`${LLAMA_START}\\p{N}{1,3}${LLAMA_END}`, LLAMA],
  [`${LLAMA_START}\\p{N}${LLAMA_END}`, { ...LLAMA, digits: 1 }],
  [preTokenPattern, { ...GPT_2, digits: 1, spaceBeforeDigits: false, endsAtLines: true }],
]);

/**
 * Reads the rules by which a tokenizer splits plain text.
 *
 * @returns undefined for a tokenizer that does more to a text than known patterns do
 */
export function wordRulesOf(json: TokenizerJson): WordRules | undefined {
  const { normalizer, pre_tokenizer: steps, model } = json;
  const dropout: unknown = Reflect.get(model, 'dropout');
  const isKnown =
    model.type === 'BPE' && (dropout ?? null) === null && keepsPlain(normalizer) && hasSimpleTokens(json);
  return isKnown ? rulesOfSteps(isObject(steps) ? flattened(steps) : []) : undefined;
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

/** A component that splits, or writes bytes as characters. */
type Step = Readonly<Record<string, unknown>>;

/** Stands for a value that is not a step. No rules match it, so the library gets the file and refuses it by name. */
const UNKNOWN_STEP: Step = {};

function flattened(step: Step): readonly Step[] {
  if (step.type !== 'Sequence') return [step];
  return Array.isArray(step.pretokenizers)
    ? step.pretokenizers.flatMap((inner) => (isObject(inner) ? flattened(inner) : [UNKNOWN_STEP]))
    : [UNKNOWN_STEP];
}

/** The rules of one known pattern before bytes are written as characters, and of digits split off before it. */
function rulesOfSteps(steps: readonly Step[]): WordRules | undefined {
  const [first, ...others] = steps;
  if (first?.type === 'Digits' && first.individual_digits === true) {
    const rules = rulesOfSteps(others);
    return rules?.splitsDigitsFirst === false ? { ...rules, splitsDigitsFirst: true } : undefined;
  }
  const last = steps.at(-1);
  if (last?.type !== 'ByteLevel' || last.add_prefix_space !== false) return undefined;
  if (last.use_regex !== false) return steps.length === 1 ? GPT_2 : undefined;
  if (
    steps.length !== 2 ||
    first?.type !== 'Split' ||
    first.behavior !== 'Isolated' ||
    first.invert !== false
  )
    return undefined;
  const regex = isObject(first.pattern) ? first.pattern.Regex : undefined;
  return typeof regex === 'string' ? PATTERNS.get(regex) : undefined;
}

function isObject(value: unknown): value is Step {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
