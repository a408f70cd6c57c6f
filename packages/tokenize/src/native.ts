import { createRequire } from 'node:module';
import { quote } from '@gram/base';
import type { Tokenizer as NativeTokenizer } from 'tokenizers';
import type { HiddenControls } from './control-tokens.js';
import { TokenizeError } from './error.js';
import { brokenTokenizer, type TokenizerJson } from './tokenizer-json.js';
import type { Span } from './words/token-list.js';
import type { EncodeParts } from './words/word-encoder.js';

/** Ids are 32-bit numbers in the library, which would wrap others around. */
const MAX_ID = 2 ** 32 - 1;

/** The library, which a short command whose tokenizer is known by its file does without. */
function library(): typeof import('tokenizers') {
  return createRequire(import.meta.url)('tokenizers');
}

/** Opens a tokenizer whose components were checked. */
export function openNative(json: TokenizerJson, source: string): NativeTokenizer {
  try {
    // Written anew, so that the library reads what was checked: parsers differ in repeated keys. Truncation to a model's
    // window would cut silently, and encoding without special tokens runs no post-processor.
    checkAddedTokens(json, source);
    return library().Tokenizer.fromString(
      JSON.stringify({ ...json, truncation: null, padding: null, post_processor: null }),
    );
  } catch (cause) {
    if (cause instanceof TokenizeError) throw cause;
    throw brokenTokenizer(source, messageOf(cause), cause);
  }
}

/** The library looks for normalized added tokens everywhere in a text, and ends the process where one is empty. */
function checkAddedTokens({ added_tokens: added = [], normalizer }: TokenizerJson, source: string): void {
  const normalized = added.filter((token) => token.normalized);
  if (normalized.length === 0 || typeof normalizer !== 'object' || normalizer === null) return;
  const model = { type: 'WordLevel', vocab: { x: 0 }, unk_token: 'x' };
  const alone = library()
    .Tokenizer.fromString(JSON.stringify({ version: '1.0', normalizer, model }))
    .getNormalizer();
  const empty = normalized.find(({ content }) => alone?.normalizeString(content) === '');
  if (empty === undefined) return;
  throw brokenTokenizer(source, `its normalizer leaves nothing of the added token ${quote(empty.content)}`);
}

/** What errors say of a tokenizer and of a text, and the longest text that it is given. */
export interface About {
  readonly source: string;
  readonly limit: number;
  /** The text as errors show it: whoever reads hidden names could spell control tokens. @default the text */
  readonly shown?: string;
}

/** Encodes a text by the library. @throws {TokenizeError} `bad-text`, `too-long`, `tokenizer-broken` */
export async function encoded(native: NativeTokenizer, text: string, { source, limit, shown = text }: About) {
  checkText(shown, limit);
  try {
    return await native.encode(text, null, { addSpecialTokens: false });
  } catch (cause) {
    // For instance a character that the vocabulary lacks, where there is no token for unknown ones.
    throw brokenTokenizer(source, `it cannot encode ${quote(shown)}: ${messageOf(cause)}`, cause);
  }
}

/** Encodes parts of texts by the library, for an encoder by words. */
export function encoderOfParts(plain: () => NativeTokenizer, { isControl }: HiddenControls): EncodeParts {
  return async (asked) => {
    const parts = asked.map(({ part }) => part);
    const found = await plain()
      .encodeBatch(parts, { addSpecialTokens: false })
      .catch(() => []);
    return asked.map(({ part, withSpans }, at) => {
      const encoding = found[at];
      const ids = encoding?.getIds() ?? [];
      if (encoding === undefined || ids.some(isControl)) return undefined;
      return { ids, spans: withSpans ? spansOf(encoding.getOffsets(), part) : undefined };
    });
  };
}

/** Places in UTF-16 units, from those in characters. */
export function spansOf(offsets: readonly (readonly number[])[], text: string): Span[] {
  // Where each character starts, and the end of the text.
  const starts: number[] = [];
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) starts.push(at);
  starts.push(text.length);
  return offsets.map(([start = 0, end = 0]) => ({
    start: starts[start] ?? text.length,
    end: starts[end] ?? text.length,
  }));
}

/** Checks that a text can be encoded. @throws {TokenizeError} `bad-text`, `too-long` */
export function checkText(text: string, limit: number): void {
  if (typeof text !== 'string') {
    throw new TokenizeError('bad-text', `${quote(text)} is not a text`, 'give a string');
  }
  if (text.length > limit) {
    throw new TokenizeError(
      'too-long',
      `a text has ${text.length} characters, more than the limit of ${limit} of this tokenizer`,
      'cut it into parts before it is encoded',
    );
  }
  if (!text.isWellFormed()) {
    throw new TokenizeError(
      'bad-text',
      `${quote(text)} holds half of a surrogate pair, which is no character`,
      'use toWellFormed() on the text, or mend what cut it',
    );
  }
}

/** Checks that numbers can be ids of tokens. @throws {TokenizeError} `bad-text` */
export function checkIds(ids: readonly number[]): void {
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id > MAX_ID);
  if (wrong !== undefined)
    throw new TokenizeError('bad-text', `${quote(wrong)} is not the id of a token`, 'give whole numbers');
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
