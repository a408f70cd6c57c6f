import { setImmediate } from 'node:timers/promises';
import { quote } from '@gram/base';
import { TokenizeError } from '../error.js';
import { learnMerges, type Word } from './merges.js';
import { byteAlphabet, preTokenPattern, splitPreTokens } from './pre-tokens.js';

/** Time that `trainBpeAsync` takes at once. */
const TURN_MILLISECONDS = 50;

/** Options of `trainBpe`. */
export interface TrainBpeOptions {
  /** The texts to learn from, read once. Special tokens that are spelled out in them count as ordinary text. */
  readonly texts: Iterable<string>;
  /** The maximum number of tokens: special tokens, 256 bytes and merges. */
  readonly vocabSize: number;
  /** Special tokens, such as `<|end|>`. They get the first ids, in this order. */
  readonly specialTokens: readonly string[];
}

/**
 * Trains a byte-level BPE tokenizer and returns it as the object of a `tokenizer.json`, which Hugging Face libraries read.
 *
 * The ids are those that Hugging Face's trainer gives at a minimum frequency of two: special tokens, then the 256 bytes in
 * the order of their characters, then merges in the order in which they were learned. Every byte is a token, so no text is
 * lost, and every ASCII character, such as "A" and "B", is a single token. Equal texts in any order give equal tokenizers.
 * The vocabulary stays smaller than `vocabSize` when no pair of tokens occurs twice. Texts with over two million different words
 * are learned without words that had occurred once when the limit was passed.
 *
 * @throws {TokenizeError} `bad-bpe-options` for too small or too large a vocabulary, or unusable special tokens
 *
 * @example
 * ```ts
 * const texts = ['What is 2 + 2? It is 4.', 'What is 3 + 4? It is 7.'];
 * const json = trainBpe({ texts, vocabSize: 512, specialTokens: plainChat.specialTokens });
 * const tokenizer = tokenizerFromJson(json);
 * ```
 */
export function trainBpe({ texts, ...options }: TrainBpeOptions): object {
  checkOptions(options);
  const counts: WordCounts = new Map();
  for (const text of texts) countWords(counts, text);
  const training = trainInTurns(counts, options);
  for (;;) {
    const turn = training.next();
    if (turn.done) return turn.value;
  }
}

/** Options of `trainBpeAsync`. */
export interface TrainBpeAsyncOptions extends Omit<TrainBpeOptions, 'texts'> {
  /** The texts to learn from, read once. Special tokens that are spelled out in them count as ordinary text. */
  readonly texts: Iterable<string> | AsyncIterable<string>;
  /** Called now and then with the number of merges that were learned so far, and the maximum number. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Stops the training. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trains as {@link trainBpe} and lets the program do other things meanwhile, such as answering to a signal.
 *
 * @throws {TokenizeError} as `trainBpe`; the reason of `signal`
 */
export async function trainBpeAsync({
  texts,
  onProgress,
  signal,
  ...options
}: TrainBpeAsyncOptions): Promise<object> {
  checkOptions(options);
  let end = performance.now() + TURN_MILLISECONDS;
  const pause = async ({ done, total }: Turn) => {
    if (performance.now() < end) return;
    onProgress?.(done, total);
    await setImmediate();
    signal?.throwIfAborted();
    end = performance.now() + TURN_MILLISECONDS;
  };
  const counts: WordCounts = new Map();
  for await (const text of texts) {
    countWords(counts, text);
    await pause({ done: 0, total: mostMerges(options) });
  }
  const training = trainInTurns(counts, options);
  for (;;) {
    const turn = training.next();
    if (turn.done) return turn.value;
    await pause(turn.value);
  }
}

/** Number of merges that were learned, and the largest number. */
interface Turn {
  readonly done: number;
  readonly total: number;
}

type BpeShape = Omit<TrainBpeOptions, 'texts'>;

/** Id of the first merge, after the special tokens and the bytes. */
function firstMergeOf({ specialTokens }: BpeShape): number {
  return specialTokens.length + byteAlphabet.length;
}

function mostMerges(options: BpeShape): number {
  return options.vocabSize - firstMergeOf(options);
}

/** Trains a little at each turn and says how many merges were learned. */
function* trainInTurns(counts: WordCounts, options: BpeShape): Generator<Turn, object> {
  const { specialTokens } = options;
  const firstByte = specialTokens.length;
  const total = mostMerges(options);
  const names = [...specialTokens, ...byteAlphabet.toSorted()];
  const merges: string[] = [];
  const idOfByte = byteAlphabet.map((character) => names.indexOf(character, firstByte));
  for (const merge of learnMerges(wordsOf(counts, idOfByte), firstMergeOf(options), total)) {
    if (merge !== undefined) {
      const [left, right] = merge;
      merges.push(`${names[left]} ${names[right]}`);
      names.push(`${names[left]}${names[right]}`);
    }
    yield { done: merges.length, total };
  }
  return tokenizerJson(names, merges, specialTokens);
}

/** The object of a `tokenizer.json`. */
function tokenizerJson(
  names: readonly string[],
  merges: readonly string[],
  specialTokens: readonly string[],
): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: preTokenPattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(names.map((name, id) => [name, id])),
      merges,
    },
  };
}

/** How often each pre-token occurs. */
type WordCounts = Map<string, number>;

/** Number of different pre-tokens above which those that occurred once so far are forgotten, as memory has an end. */
const WORD_LIMIT = 2_000_000;

function countWords(counts: WordCounts, text: string): void {
  for (const token of splitPreTokens(text)) counts.set(token, (counts.get(token) ?? 0) + 1);
  if (counts.size <= WORD_LIMIT) return;
  for (const [token, count] of counts) if (count === 1) counts.delete(token);
}

function wordsOf(counts: WordCounts, idOfByte: readonly number[]): Word[] {
  return Array.from(counts, ([token, count]) => ({
    // Each byte has an id.
    symbols: Array.from(Buffer.from(token, 'utf8'), (byte) => idOfByte[byte] ?? 0),
    count,
  }));
}

function checkOptions({ vocabSize, specialTokens }: BpeShape): void {
  const smallest = specialTokens.length + byteAlphabet.length;
  if (!Number.isInteger(vocabSize) || vocabSize < smallest || vocabSize > 1_000_000) {
    throw new TokenizeError(
      'bad-bpe-options',
      `vocabSize is ${vocabSize}`,
      `give a whole number from ${smallest} (special tokens and 256 bytes) to 1000000`,
    );
  }
  for (const [index, token] of specialTokens.entries()) {
    // A name of several pre-tokens cannot be learned from text, so the two kinds of token never collide.
    if (
      /^[!-~]+$/.test(token) &&
      splitPreTokens(token).length > 1 &&
      specialTokens.indexOf(token) === index
    ) {
      continue;
    }
    throw new TokenizeError(
      'bad-bpe-options',
      `the special token ${quote(token)} cannot be used`,
      'give each special token once, as visible ASCII with letters and punctuation, such as <|end|>',
    );
  }
}
