import { deflateRawSync } from 'node:zlib';

/** The reason why a text is called garbled. */
export type Garble = 'undecodable' | 'control-characters' | 'mojibake' | 'repetitive';

/** Characters of a text that are looked at for repetition. */
const PROBE = 2 ** 16;
/** Shortest text, in characters, that can be repetitive: a short one may repeat a word for a reason. */
const SHORTEST = 1000;
/** Factor by which natural text and code are not compressed. Prose of 1,000 to 60,000 characters comes to 1.8 to 3.5. */
const COMPRESSION = 12;

/** Control characters but for white space. */
const CONTROL = /(?![\t-\r\u0085])\p{Cc}/u;
/** UTF-8 that was read as Windows-1252: a lead byte as a letter, and a continuation byte after it. */
const MISREAD = /[ÂÃ][\u0080-\u00bf]|â€[\u0080-\u00bf\u02dc\u2013-\u2122]|Ã[ƒ‚]|ï»¿/g;

/**
 * Says why a text is garbled, undefined where it is not. The rules name damage and not style, so code, mathematics and all languages
 * pass: replacement characters (more than one in 1,000 characters), control characters, UTF-8 that was read as Windows-1252 (three
 * places or more), and texts that repeat themselves so much that they compress twelvefold.
 */
export function garbleOf(text: string): Garble | undefined {
  if (countOf(text, /\ufffd/g) * 1000 > text.length) return 'undecodable';
  if (CONTROL.test(text)) return 'control-characters';
  if (countOf(text, MISREAD) >= 3) return 'mojibake';
  if (text.length < SHORTEST) return undefined;
  const bytes = Buffer.from(text.slice(0, PROBE));
  return bytes.length > COMPRESSION * deflateRawSync(bytes).length ? 'repetitive' : undefined;
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
