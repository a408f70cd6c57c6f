/** Rules that cut text before its pieces are merged, in the words of a `tokenizer.json`. */
export interface PreTokenizer {
  readonly normalizer: object | null;
  readonly preTokenizer: object;
  /** Whether a piece that is a token is taken whole, without merging. */
  readonly ignoreMerges: boolean;
  /** Whether a text begins with the first token when the file does not say. */
  readonly addBos: boolean;
}

const byteLevel = (useRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});

const sequence = (...pretokenizers: object[]) => ({ type: 'Sequence', pretokenizers });

/** The pattern of tiktoken's cl100k_base, with at most so many digits in a piece. */
const split = (digits: string) => ({
  type: 'Split',
  pattern: {
    Regex:
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
      `${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  },
  behavior: 'Isolated',
  invert: false,
});

const gpt2: PreTokenizer = {
  normalizer: null,
  preTokenizer: byteLevel(true),
  ignoreMerges: false,
  addBos: false,
};

const smollm: PreTokenizer = {
  ...gpt2,
  preTokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)),
};

const qwen2: PreTokenizer = {
  normalizer: { type: 'NFC' },
  preTokenizer: sequence(split('\\p{N}'), byteLevel(false)),
  ignoreMerges: false,
  addBos: false,
};

const llama3: PreTokenizer = {
  normalizer: null,
  preTokenizer: sequence(split('\\p{N}{1,3}'), byteLevel(false)),
  ignoreMerges: true,
  addBos: true,
};

/**
 * The known values of `tokenizer.ggml.pre`. llama.cpp has many more, and one of its own for files without a value;
 * here are those that were compared with the tokenizers of the models.
 *
 * Source: https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp
 */
export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  ['gpt-2', gpt2],
  ['smollm', smollm],
  ['qwen2', qwen2],
  ['llama-bpe', llama3],
  ['llama3', llama3],
  ['llama-v3', llama3],
]);
