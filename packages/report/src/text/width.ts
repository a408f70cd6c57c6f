import { printable } from '@gram/base';

// East Asian wide and full-width characters and emoji take two terminal columns.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Splits a text into characters as a reader counts them (grapheme clusters). */
export function graphemes(text: string): string[] {
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

/** Whether a grapheme is drawn about twice as wide as a Latin letter. */
export function isWide(grapheme: string): boolean {
  return WIDE.test(grapheme);
}

/**
 * Puts a text on one line, with control characters and those that turn the writing direction shown as escapes, so that
 * text from a model or a file can neither move the cursor nor rewrite the rest of the line.
 */
export function oneLine(text: string): string {
  return printable(text.replace(/\s+/gu, ' '));
}

/** Returns the number of terminal columns that a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

/** Cuts the text to at most `columns` terminal columns; the last one is an ellipsis if anything was cut. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const grapheme of graphemes(text)) {
    width += graphemeWidth(grapheme);
    if (width > columns - 1) break;
    kept += grapheme;
  }
  return columns < 1 ? '' : `${kept.trimEnd()}…`;
}

function graphemeWidth(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return isWide(grapheme) ? 2 : 1;
}
