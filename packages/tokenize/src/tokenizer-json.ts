import { randomUUID } from 'node:crypto';
import { TokenizeError } from './error.js';

/** The parts of a `tokenizer.json` that are read here; everything else passes through untouched. */
export interface TokenizerJson {
  readonly model: { readonly type: string; readonly vocab?: unknown; readonly unk_token?: unknown };
  readonly added_tokens?: readonly AddedTokenJson[];
  readonly [key: string]: unknown;
}

interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  readonly normalized?: boolean;
}

/**
 * Parses the text of a `tokenizer.json` and checks the parts that are read here.
 *
 * @param source name of the file, for errors
 * @throws {TokenizeError} `tokenizer-broken`
 */
export function parseTokenizerJson(text: string, source: string): TokenizerJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw brokenTokenizer(source, 'it is not valid JSON', cause);
  }
  if (!isObject(value)) throw brokenTokenizer(source, 'it is not a JSON object');
  if (!isObject(value.model) || typeof value.model.type !== 'string')
    throw brokenTokenizer(source, 'it has no model.type');
  const added = value.added_tokens ?? [];
  if (!Array.isArray(added) || !added.every(isAddedToken)) {
    throw brokenTokenizer(source, 'added_tokens is not a list of tokens with an id and a content');
  }
  return {
    ...value,
    model: { ...value.model, type: value.model.type },
    ...(value.added_tokens !== undefined && { added_tokens: added }),
  };
}

/** Makes the error for a file that exists and does not hold a tokenizer. */
export function brokenTokenizer(source: string, what: string, cause?: unknown): TokenizeError {
  return new TokenizeError(
    'tokenizer-broken',
    `${source} is not a usable tokenizer.json: ${what}`,
    'use the tokenizer.json of a Hugging Face "fast" tokenizer, complete and unchanged',
    { cause },
  );
}

/**
 * Renames every special token of a tokenizer to a name that nobody can guess, so that no text is parsed as one. Ids stay
 * as they are. Tokens are renamed in the vocabulary as well, as a model may look up a whole word there before it merges
 * anything.
 */
export function withoutSpecialTokens(json: TokenizerJson): TokenizerJson {
  const nonce = randomUUID();
  const special = (json.added_tokens ?? []).filter((token) => token.special);
  const renamed = new Map(special.map(({ content }, index) => [content, `<${nonce}-${index}>`]));
  const rename = (content: string) => renamed.get(content) ?? content;
  const { vocab, unk_token } = json.model;
  return {
    ...json,
    added_tokens: json.added_tokens?.map((token) => ({ ...token, content: rename(token.content) })),
    model: {
      ...json.model,
      ...(typeof unk_token === 'string' && { unk_token: rename(unk_token) }),
      ...(isObject(vocab) && {
        vocab: Object.fromEntries(Object.entries(vocab).map(([token, id]) => [rename(token), id])),
      }),
      ...(Array.isArray(vocab) && {
        vocab: vocab.map((entry) =>
          Array.isArray(entry) && typeof entry[0] === 'string'
            ? [rename(entry[0]), ...entry.slice(1)]
            : entry,
        ),
      }),
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAddedToken(value: unknown): value is AddedTokenJson {
  return isObject(value) && Number.isSafeInteger(value.id) && typeof value.content === 'string';
}
