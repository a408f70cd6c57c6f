import { escapeText } from '../text/escape.js';
import { pageStyle } from './page-style.js';
import { type Section, sectionMarkup } from './section.js';

/** Content of a page. */
export interface PageOptions {
  title: string;
  subtitle?: string;
  sections: Section[];
}

/** Keeps the page from loading or running anything, whatever ends up in it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/** Smallest number of sections of a page that starts with links to them. */
const LINKED_SECTIONS = 3;

/**
 * Renders a report as one HTML file that needs nothing else: its style is inline, it has no script and makes no request, and
 * its content security policy forbids both. All text is escaped.
 *
 * @throws {ReportError} `bad-table` if a row has not one cell for each column, `bad-chart` if a figure is not an SVG
 * element.
 */
export function page({ title, subtitle, sections }: PageOptions): string {
  const links = sections.map(
    ({ heading }, index) => `<li><a href="#section-${index + 1}">${escapeText(heading)}</a></li>`,
  );
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${escapeText(POLICY)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeText(title)}</title>`,
    `<style>${pageStyle}</style>`,
    '</head>',
    '<body>',
    '<div class="page">',
    '<header>',
    `<h1>${escapeText(title)}</h1>`,
    ...(subtitle ? [`<p class="subtitle">${escapeText(subtitle)}</p>`] : []),
    ...(links.length >= LINKED_SECTIONS
      ? [`<nav aria-label="Sections"><ul>${links.join('')}</ul></nav>`]
      : []),
    '</header>',
    '<main>',
    ...sections.map((section, index) => sectionMarkup(section, `section-${index + 1}`)),
    '</main>',
    '</div>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}
