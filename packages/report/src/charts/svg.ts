import { escapeText } from '../text/escape.js';
import { graphemes, isWide } from '../text/width.js';
import { chartStyle } from './theme.js';

/** Width of every chart, in view box units; a unit is a CSS pixel where the chart is shown at full size. */
export const WIDTH = 500;
export const FONT_SIZE = 13;
export const TITLE_SIZE = 15;

type Attributes = Record<string, string | number | undefined>;

/** Renders one SVG element. Attribute values are escaped here; `content` is markup. */
export function element(name: string, attributes: Attributes, content = ''): string {
  let written = '';
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    written += ` ${key}="${typeof value === 'number' ? coordinate(value) : escapeText(value)}"`;
  }
  return content === '' ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}

/** Renders a text element; the text is escaped here. */
export function textElement(text: string, x: number, y: number, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeText(text));
}

/** Formats a number for an attribute: a tenth of a pixel is finer than any screen shows. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10 + 0);
}

/** Estimates, generously, the width of a text in a system sans-serif font, in view box units. */
export function textWidth(text: string, size = FONT_SIZE): number {
  let width = 0;
  for (const grapheme of graphemes(text)) {
    if (isWide(grapheme)) width += 1.05;
    else if (/^[ijlI.,:;'|!]/.test(grapheme)) width += 0.32;
    else if (/^[mwMW@%…\p{Sm}]/u.test(grapheme)) width += 0.95;
    else if (/^\p{Lu}/u.test(grapheme)) width += 0.74;
    else if (/^\d/.test(grapheme)) width += 0.64;
    else width += 0.6;
  }
  return width * size;
}

/** Cuts the text to the width; an ellipsis stands for what was cut. */
export function fitText(text: string, width: number, size = FONT_SIZE): string {
  if (textWidth(text, size) <= width) return text;
  let kept = '';
  for (const grapheme of graphemes(text)) {
    if (textWidth(`${kept}${grapheme}…`, size) > width) break;
    kept += grapheme;
  }
  return `${kept.trimEnd()}…`;
}

/**
 * Renders the outer element, which is named for screen readers by its title and description, with its own style, so that it also
 * works as a file.
 */
export function svg(title: string, description: string, height: number, content: string): string {
  // The names tie the elements together and must differ between the charts of a page, but not between two runs.
  const id = `gram-${hash(`${title}\n${description}\n${content}`)}`;
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'gram-chart',
      viewBox: `0 0 ${WIDTH} ${coordinate(height)}`,
      role: 'img',
      'aria-labelledby': `${id}-title`,
      'aria-describedby': `${id}-desc`,
    },
    element('title', { id: `${id}-title` }, escapeText(title)) +
      element('desc', { id: `${id}-desc` }, escapeText(description)) +
      `<style>${chartStyle}</style>` +
      content,
  );
}

/** 32-bit FNV-1a. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return (value >>> 0).toString(36);
}
