import { quote } from '@gram/base';
import { ModelError } from '../error.js';
import { badGguf } from './error.js';
import { type Metadata, metadataOf } from './metadata.js';
import type { GgufHeader } from './parse.js';
import { PRE_TOKENIZERS, type PreTokenizer } from './pre-tokenizers.js';

/** Names of special tokens, as `tokenizer_config.json` has them. */
export interface SpecialTokens {
  readonly bos_token?: string;
  readonly eos_token?: string;
  readonly pad_token?: string;
  readonly unk_token?: string;
}

/** The tokenizer of a GGUF file. */
export interface GgufTokenizer {
  /** Text of a `tokenizer.json` of Hugging Face. */
  readonly tokenizerJson: string;
  readonly specialTokens: SpecialTokens;
  /** Whether a text begins with `bos_token`. A chat template may write it itself. */
  readonly addBos: boolean;
  /** Jinja template of the model's chats. */
  readonly chatTemplate?: string;
}

const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;
/** Tokens that fill up the embedding; no text has them. */
const UNUSED = 5;

const SPECIAL = { bos_token: 'bos', eos_token: 'eos', pad_token: 'padding', unk_token: 'unknown' } as const;

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly ids: ReadonlyMap<string, number>;
  readonly added: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
}

function refuse(path: string, problem: string): ModelError {
  return new ModelError('bad-tokenizer', `${path}: ${problem}`, "use the model's own tokenizer.json");
}

function list<T>(items: readonly T[] | undefined, key: string, path: string): readonly T[] {
  if (items === undefined) throw badGguf(path, `the key ${quote(key)} is missing`);
  return items;
}

function vocabularyOf(metadata: Metadata, path: string): Vocabulary {
  const [tokensKey, typesKey] = ['tokenizer.ggml.tokens', 'tokenizer.ggml.token_type'];
  const tokens = list(metadata.texts(tokensKey), tokensKey, path);
  const types = list(metadata.numbers(typesKey), typesKey, path);
  if (types.length !== tokens.length) {
    throw badGguf(path, `it has ${tokens.length} tokens and the types of ${types.length}`);
  }
  const ids = new Map<string, number>();
  const added: Vocabulary['added'][number][] = [];
  for (let id = 0; id < tokens.length; id++) {
    const content = tokens[id] ?? '';
    const type = types[id] ?? UNUSED;
    if (type === UNUSED) continue;
    if (type !== NORMAL && type !== CONTROL && type !== USER_DEFINED) {
      throw refuse(path, `token ${quote(content)} has the type ${type}, which byte-level BPE does not have`);
    }
    if (content === '' || ids.has(content)) {
      throw badGguf(path, `token ${id}, ${quote(content)}, is empty or repeated`);
    }
    ids.set(content, id);
    if (type !== NORMAL) added.push({ id, content, special: type === CONTROL });
  }
  return { tokens, ids, added };
}

/** The merges, each of two tokens that give a third, as the library that reads them asks for. */
function mergesOf(metadata: Metadata, { ids }: Vocabulary, path: string): readonly string[] {
  const key = 'tokenizer.ggml.merges';
  const merges = list(metadata.texts(key), key, path);
  for (const merge of merges) {
    const space = merge.indexOf(' ');
    const [left, right] = [merge.slice(0, space), merge.slice(space + 1)];
    const isKnown = space >= 0 && ids.has(left) && ids.has(right) && ids.has(left + right);
    if (!isKnown || right.includes(' '))
      throw badGguf(path, `the merge ${quote(merge)} is not made of tokens`);
  }
  return merges;
}

function specialTokensOf(metadata: Metadata, { tokens }: Vocabulary, path: string): SpecialTokens {
  const found = Object.entries(SPECIAL).flatMap(([name, key]) => {
    const id = metadata.count(`tokenizer.ggml.${key}_token_id`);
    if (id === undefined) return [];
    const token = tokens[id];
    if (token === undefined) throw badGguf(path, `the id ${id} of ${name} is that of no token`);
    return [[name, token]];
  });
  return Object.fromEntries(found) as SpecialTokens;
}

/** Puts tokens around a text: `{ bos: true }` gives `<bos> text`. */
function postProcessor(around: { bos?: string; eos?: string }, { ids }: Vocabulary): object {
  const token = (id: string | undefined, type_id: number) =>
    id === undefined ? [] : [{ SpecialToken: { id, type_id } }];
  const text = (id: string, type_id: number) => [
    ...token(around.bos, type_id),
    { Sequence: { id, type_id } },
    ...token(around.eos, type_id),
  ];
  const used = [around.bos, around.eos].filter((id) => id !== undefined);
  return {
    type: 'TemplateProcessing',
    single: text('A', 0),
    pair: [...text('A', 0), ...text('B', 1)],
    special_tokens: Object.fromEntries(used.map((id) => [id, { id, ids: [ids.get(id)], tokens: [id] }])),
  };
}

function preTokenizerOf(metadata: Metadata, path: string): PreTokenizer {
  const model = metadata.text('tokenizer.ggml.model');
  if (model !== 'gpt2') {
    const problem =
      model === undefined ? 'it has no tokenizer' : `its tokenizer is of the kind ${quote(model)}`;
    throw refuse(path, `${problem}, only "gpt2" (byte-level BPE) is supported`);
  }
  const name = metadata.text('tokenizer.ggml.pre');
  const known = PRE_TOKENIZERS.get(name ?? '');
  if (known !== undefined) return known;
  const names = [...PRE_TOKENIZERS.keys()].join(', ');
  const problem = name === undefined ? 'is missing' : `is ${quote(name)}`;
  throw refuse(path, `tokenizer.ggml.pre ${problem}, only ${names} are supported`);
}

/** Adds the model and its vocabulary to the text of a tokenizer. An object of so many keys would take longer to make than its text. */
function withVocabulary(tokenizer: string, model: string, { ids }: Vocabulary): string {
  const vocabulary = Array.from(ids, ([token, id]) => `${JSON.stringify(token)}:${id}`).join();
  return `${tokenizer.slice(0, -1)},"model":${model.slice(0, -1)},"vocab":{${vocabulary}}}}`;
}

/**
 * The tokenizer that a header describes, as a `tokenizer.json`. Control tokens become special ones.
 *
 * @throws {ModelError} `bad-tokenizer` for another kind than byte-level BPE and for a pre-tokenizer that is not known,
 * `bad-gguf`.
 */
export function tokenizerOfGguf(header: GgufHeader, path: string): GgufTokenizer {
  const metadata = metadataOf(header, path);
  const pre = preTokenizerOf(metadata, path);
  if (metadata.flag('tokenizer.ggml.add_space_prefix') === true) {
    throw refuse(path, 'tokenizer.ggml.add_space_prefix is not supported');
  }
  const vocabulary = vocabularyOf(metadata, path);
  const merges = mergesOf(metadata, vocabulary, path);
  const specialTokens = specialTokensOf(metadata, vocabulary, path);
  const addBos = metadata.flag('tokenizer.ggml.add_bos_token') ?? pre.addBos;
  const addEos = metadata.flag('tokenizer.ggml.add_eos_token') ?? false;
  const around = {
    ...(addBos && { bos: specialTokens.bos_token }),
    ...(addEos && { eos: specialTokens.eos_token }),
  };
  const missing = Object.entries(around).find(
    ([, token]) => token === undefined || !vocabulary.ids.has(token),
  );
  if (missing !== undefined) throw badGguf(path, `texts get a token ${missing[0]}, which is not there`);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: vocabulary.added.map((token) => ({
      ...token,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: pre.normalizer,
    pre_tokenizer: pre.preTokenizer,
    post_processor: Object.keys(around).length > 0 ? postProcessor(around, vocabulary) : byteLevel,
    decoder: byteLevel,
  };
  const model = {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: pre.ignoreMerges,
    merges,
  };
  const chatTemplate = metadata.text('tokenizer.chat_template');
  return {
    tokenizerJson: withVocabulary(JSON.stringify(tokenizer), JSON.stringify(model), vocabulary),
    specialTokens,
    addBos,
    ...(chatTemplate !== undefined && { chatTemplate }),
  };
}
