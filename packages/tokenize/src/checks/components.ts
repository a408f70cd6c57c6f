import { charsmapProblem } from './charsmap.js';
import { patternProblem } from './pattern.js';
import { patternCost } from './pattern-cost.js';

type Json = Readonly<Record<string, unknown>>;

/** Longest token of a Unigram vocabulary, in UTF-16 units. The library keeps one nested node for each byte of a token. */
const MAX_UNIGRAM_TOKEN = 1024;

/**
 * Finds what the tokenizer library would end the process for. The library is native: where one of its assumptions about
 * a file is wrong it panics, and a panic there ends Node without an error that could be caught. So each assumption that
 * its loader and its encoder make without a check of their own is checked here.
 *
 * @param json the whole `tokenizer.json`
 * @param isModelKnown whether the vocabulary and the merges of its model were found to be whole
 * @returns what is wrong, as the end of a sentence; undefined where nothing is
 */
export function componentProblem(json: Json, isModelKnown = false): string | undefined {
  return (
    (isModelKnown ? undefined : modelProblem(json.model)) ??
    stepProblem('normalizer', json.normalizer) ??
    stepProblem('pre_tokenizer', json.pre_tokenizer) ??
    stepProblem('decoder', json.decoder)
  );
}

function modelProblem(model: unknown): string | undefined {
  if (!isObject(model)) return undefined;
  if (model.type === 'BPE') return bpeProblem(model);
  if (model.type === 'Unigram') return unigramProblem(model);
  return model.type === 'WordPiece' || model.type === 'WordLevel'
    ? undefined
    : 'model.type is none that the library has';
}

/** The library cuts the prefix off the right part of each merge and writes the result into a buffer of the longest token. */
function bpeProblem({ vocab, merges, dropout, continuing_subword_prefix: prefix = null }: Json) {
  if (!isObject(vocab)) return 'model.vocab is not an object';
  if (!Array.isArray(merges)) return 'model.merges is not a list';
  if (dropout !== undefined && dropout !== null && dropout !== 0)
    return 'model.dropout makes every encoding random';
  if (prefix !== null && typeof prefix !== 'string') return 'model.continuing_subword_prefix is not a string';
  for (const [at, merge] of merges.entries()) {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2) return `model.merges[${at}] is not a pair of tokens`;
    const [left, right] = parts as [unknown, unknown];
    if (typeof left !== 'string' || typeof right !== 'string')
      return `model.merges[${at}] is not a pair of tokens`;
    if (prefix !== null && !right.startsWith(prefix))
      return `the right part of model.merges[${at}] lacks model.continuing_subword_prefix`;
    const joined = left + (prefix === null ? right : right.slice(prefix.length));
    if (![left, right, joined].every((token) => Object.hasOwn(vocab, token)))
      return `model.merges[${at}] has a part or a result that model.vocab lacks`;
  }
  return undefined;
}

function unigramProblem({ vocab }: Json): string | undefined {
  if (!Array.isArray(vocab) || vocab.length === 0) return 'model.vocab is not a list of tokens with scores';
  const at = vocab.findIndex(
    (entry) =>
      !Array.isArray(entry) ||
      typeof entry[0] !== 'string' ||
      entry[0].length > MAX_UNIGRAM_TOKEN ||
      typeof entry[1] !== 'number',
  );
  if (at === -1) return undefined;
  return `model.vocab[${at}] is not a token of at most ${MAX_UNIGRAM_TOKEN} characters with a score`;
}

const listsOfSteps = ['normalizers', 'pretokenizers', 'decoders'];

/** The kinds that the library has. It takes a step of any other kind for the first one whose fields fit. */
const KINDS: ReadonlySet<unknown> = new Set([
  'BPEDecoder',
  'BertNormalizer',
  'BertPreTokenizer',
  'ByteFallback',
  'ByteLevel',
  'CTC',
  'CharDelimiterSplit',
  'Delimiter',
  'Digits',
  'FixedLength',
  'Fuse',
  'Lowercase',
  'Metaspace',
  'NFC',
  'NFD',
  'NFKC',
  'NFKD',
  'Nmt',
  'Precompiled',
  'Prepend',
  'Punctuation',
  'Replace',
  'Sequence',
  'Split',
  'Strip',
  'StripAccents',
  'UnicodeScripts',
  'Whitespace',
  'WhitespaceSplit',
  'WordPiece',
]);

/** Checks a normalizer, a pre-tokenizer or a decoder, and those that it consists of. */
function stepProblem(where: string, step: unknown, depth = 0): string | undefined {
  if (step === undefined || step === null) return undefined;
  if (!isObject(step) || !KINDS.has(step.type)) return `${where} is of no kind that the library has`;
  if (depth > 8) return `${where} is nested too deeply`;
  for (const name of listsOfSteps) {
    const inner = step[name];
    if (!Array.isArray(inner)) continue;
    for (const [at, part] of inner.entries()) {
      const problem = stepProblem(`${where}.${name}[${at}]`, part, depth + 1);
      if (problem !== undefined) return problem;
    }
  }
  const problem = ownProblem(step);
  return problem && `${where} ${problem}`;
}

/** Looks at fields and not at the kind, because the library may take a step for another kind by its fields. */
function ownProblem(step: Json): string | undefined {
  if (step.length === 0) return 'cuts text into pieces of no length';
  // As a decoder it counts from the end without looking whether the token is long enough.
  if (typeof step.stop === 'number' && step.stop > 0)
    return 'strips the ends of tokens, which the library cannot do';
  if (step.prepend === '') return 'prepends an empty text';
  if (step.precompiled_charsmap !== undefined) return charsmapProblem(step.precompiled_charsmap);
  if (!isObject(step.pattern)) return undefined;
  // The library takes the number of characters for that of bytes where it looks for nothing.
  if (step.pattern.String === '') return 'looks for an empty text';
  return typeof step.pattern.Regex === 'string' ? patternProblem(step.pattern.Regex) : undefined;
}

/**
 * Longest text that the normalizer and the pre-tokenizer of a tokenizer can be given, in UTF-16 units, so that no search of
 * theirs ends the process or takes more than seconds.
 */
export function maximumText(json: Json): number {
  const patterns = [json.normalizer, json.pre_tokenizer].flatMap(patternsOf);
  return Math.min(
    patternCost('').maximumText,
    ...patterns.map((pattern) => patternCost(pattern).maximumText),
  );
}

function patternsOf(step: unknown): string[] {
  if (!isObject(step)) return [];
  const own = isObject(step.pattern) && typeof step.pattern.Regex === 'string' ? [step.pattern.Regex] : [];
  const inner = listsOfSteps.flatMap((name) => (Array.isArray(step[name]) ? step[name] : []));
  return [...own, ...inner.flatMap(patternsOf)];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
