import { tokenizerFromJson } from '@gram/tokenize';
import { mutateJson, mutateJsonText } from '../mutate.mjs';
import { tokenizer } from './tiny.mjs';

const TEXTS = [
  '',
  'What is 2 + 2? It is 4.',
  '  \n\tzażółć 🙂 <|user|>x</s>',
  'a'.repeat(300),
  '\0\u202e한국어',
];

const split = (Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const added = ['<s>', '<|user|>', '<tab>'].map((content, id) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: id === 2,
  special: id < 2,
}));

/** Files of every model of the library, with most of its steps: what the fields may hold is what mutations start from. */
const originals = [
  tokenizer,
  {
    version: '1.0',
    added_tokens: added,
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        { type: 'NFKC' },
        { type: 'Strip', strip_left: true, strip_right: false },
        { type: 'Replace', pattern: { Regex: 'z+' }, content: 'y' },
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<s>',
      fuse_unk: true,
      byte_fallback: true,
      continuing_subword_prefix: '##',
      end_of_word_suffix: '</w>',
      vocab: { '<s>': 0, '<|user|>': 1, a: 2, '##a': 3, '##b': 4, ab: 5, aa: 6, '##a</w>': 7, '<0x41>': 8 },
      merges: [
        ['a', '##b'],
        ['a', '##a'],
      ],
    },
  },
  {
    version: '1.0',
    added_tokens: added,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'BertPreTokenizer' },
        { type: 'Digits', individual_digits: true },
        { type: 'Punctuation', behavior: 'Isolated' },
        { type: 'CharDelimiterSplit', delimiter: 'x' },
        { type: 'FixedLength', length: 5 },
        { type: 'UnicodeScripts' },
      ],
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '<s>',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: { '<s>': 0, '<|user|>': 1, what: 2, '##s': 3, i: 4 },
    },
  },
  {
    version: '1.0',
    added_tokens: added,
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        split('\\p{L}+|\\s+(?!\\S)|[^\\s]'),
        { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
      ],
    },
    decoder: { type: 'CTC', pad_token: '<pad>', word_delimiter_token: '|', cleanup: true },
    model: {
      type: 'Unigram',
      unk_id: 0,
      byte_fallback: false,
      vocab: [
        ['<s>', 0],
        ['▁', -2],
        ['a', -3],
        ['w', -1.5],
        ['hat', -4],
      ],
    },
  },
  {
    version: '1.0',
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    decoder: { type: 'BPEDecoder', suffix: '</w>' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
    },
    model: { type: 'WordLevel', unk_token: '<s>', vocab: { '<s>': 0, What: 1, is: 2, 2: 3 } },
  },
];

export const tokenizerFile = {
  name: 'tokenizer',
  title: 'tokenizer.json',
  async open() {
    const answers = new Map();
    for (const original of originals) answers.set(original, await describe(JSON.stringify(original)));
    let chosen = originals[0];
    return {
      get answer() {
        return answers.get(chosen);
      },
      mutate(random) {
        chosen = random.pick(originals);
        return random.integer(3) === 0
          ? Buffer.from(JSON.stringify(mutateJson(random, chosen)))
          : mutateJsonText(random, chosen);
      },
      read: (bytes) => describe(bytes.toString()),
      unexplained: (bytes, answer) =>
        JSON.stringify(JSON.parse(bytes.toString())) === JSON.stringify(chosen) ? answer : undefined,
    };
  },
};

/** Ids of the texts in both readings, the texts that they decode to, and the names of some tokens. */
async function describe(json) {
  const opened = tokenizerFromJson(json);
  const parts = [opened.vocabSize];
  for (const text of TEXTS) {
    for (const ids of [await opened.encode(text), await opened.encodeTemplate(text)]) {
      parts.push(ids, await opened.decode(ids), await opened.decode(ids, { skipSpecial: true }));
    }
  }
  parts.push(await opened.decode([0, 1, 2, 5, 7, 2 ** 32 - 1]), opened.tokenId('<s>'), opened.tokenName(3));
  return JSON.stringify(parts);
}
