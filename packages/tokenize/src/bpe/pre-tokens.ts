/**
 * The pattern that cuts text into pre-tokens; merges never cross a cut. In order of preference: an English
 * contraction, a word with the space before it, one digit alone (arithmetic needs digits apart), punctuation with
 * the space before it, a run of line ends, white space up to the space that belongs to the next word.
 * Written so that JavaScript (`u` flag) and the tokenizer library read it alike: `\s` differs between the two.
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

/** Cuts text into pre-tokens; joined they give the text. */
export function splitPreTokens(text: string): string[] {
  return text.match(new RegExp(preTokenPattern, 'gu')) ?? [];
}

/**
 * A printable character for each byte, as GPT-2 introduced it: bytes that are visible in Latin-1 stand for
 * themselves, the others for U+0100 onwards. Index by the byte.
 */
export const byteAlphabet: readonly string[] = makeByteAlphabet();

function makeByteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(visible ? byte : next++);
  });
}
