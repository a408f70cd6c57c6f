import { printableLines } from '@gram/base';

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

// XML 1.0 allows neither these nor control characters, and an SVG file is XML.
const NOT_XML = /[\ufffe\uffff]/g;

/**
 * Makes a text safe inside an element or a quoted attribute, of HTML as of SVG. Control characters and those that turn the
 * writing direction are shown as escapes, so that a reader sees that they are there.
 */
export function escapeText(text: string): string {
  return printableLines(text)
    .replace(NOT_XML, '')
    .replace(/[&<>"']/g, (character) => ENTITIES.get(character) ?? '');
}
