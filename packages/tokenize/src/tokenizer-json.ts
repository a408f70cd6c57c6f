import { TokenizeError } from './error.js';

/** The parts of a `tokenizer.json` that are read here; everything else passes through untouched. */
export interface TokenizerJson {
  readonly model: {
    readonly type: string;
    readonly vocab?: unknown;
    readonly merges?: unknown;
    readonly unk_token?: unknown;
    readonly unk_id?: unknown;
  };
  readonly added_tokens?: readonly AddedTokenJson[];
  readonly [key: string]: unknown;
}

/** A token that is looked for in a text before anything else. */
export interface AddedTokenJson {
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAddedToken(value: unknown): value is AddedTokenJson {
  return isObject(value) && Number.isSafeInteger(value.id) && typeof value.content === 'string';
}
