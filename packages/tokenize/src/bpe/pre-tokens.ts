/**
 * The pattern that splits text into pre-tokens; merges never cross a boundary. In order of preference, a pre-token is an
 * English contraction, a word with the space before it, a single digit (arithmetic needs digits apart), punctuation with
 * the space before it, a run of line ends, or white space up to the space that belongs to the next word. JavaScript (with
 * the flag `u`) and the tokenizer library read the pattern alike; `\s` would differ between the two.
 */
export const preTokenPattern = [
  "'(?:s|t|re|ve|m|ll|d)",
  ' ?[\\p{L}\\p{M}]+',
  '\\p{N}',
  ' ?[^\\p{White_Space}\\p{L}\\p{M}\\p{N}]+',
  '\\p{White_Space}*[\\r\\n]+',
  '\\p{White_Space}+(?!\\P{White_Space})',
  '\\p{White_Space}+',
].join('|');

/** Splits text into pre-tokens, which give the text when they are joined. */
export function splitPreTokens(text: string): string[] {
  return text.match(new RegExp(preTokenPattern, 'gu')) ?? [];
}

/**
 * A printable character for each byte, indexed by the byte, as in GPT-2: bytes that are visible in Latin-1 stand for
 * themselves, the others for U+0100 and the characters after it.
 */
export const byteAlphabet: readonly string[] = makeByteAlphabet();

function makeByteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(visible ? byte : next++);
  });
}
