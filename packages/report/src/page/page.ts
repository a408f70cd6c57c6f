import { ReportError } from '../error.js';
import { layOut, type Table } from '../table.js';
import { escapeText } from '../text/escape.js';
import { formatNumber } from '../text/format.js';
import { pageStyle } from './page-style.js';

/** A chart on a page. */
export interface Figure {
  /** String that `lineChart` or `barChart` returned. It is markup and goes on the page as it is. */
  svg: string;
  caption?: string;
}

/** A prompt and the responses to it, best first. */
export interface Card {
  /** A short name above the prompt, for example the task. */
  title?: string;
  prompt: string;
  responses: RankedResponse[];
}

/** A response on a card. */
export interface RankedResponse {
  text: string;
  /** @default none is shown */
  score?: number;
  /** A short remark below the response, for example what a judge said. */
  remark?: string;
}

/** A part of a page, shown in the order paragraphs, figures, tables, cards. */
export interface Section {
  heading: string;
  paragraphs?: string[];
  figures?: Figure[];
  tables?: Table[];
  cards?: Card[];
}

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
    ...sections.map(renderSection),
    '</main>',
    '</div>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function renderSection(section: Section, index: number): string {
  const id = `section-${index + 1}`;
  const { paragraphs = [], figures = [], tables = [], cards = [] } = section;
  return [
    `<section id="${id}" aria-labelledby="${id}-heading">`,
    `<h2 id="${id}-heading">${escapeText(section.heading)}</h2>`,
    ...paragraphs.map((paragraph) => `<p>${escapeText(paragraph)}</p>`),
    ...(figures.length > 0 ? ['<div class="figures">', ...figures.map(renderFigure), '</div>'] : []),
    ...tables.map(renderTable),
    ...(cards.length > 0 ? ['<div class="cards">', ...cards.map(renderCard), '</div>'] : []),
    '</section>',
  ].join('\n');
}

function renderFigure({ svg, caption }: Figure): string {
  if (!svg.startsWith('<svg ') || !svg.endsWith('</svg>')) {
    throw new ReportError(
      'bad-chart',
      'a figure of the page is not an SVG element',
      'give the string that lineChart or barChart returned',
    );
  }
  const words = caption ? `<figcaption>${escapeText(caption)}</figcaption>` : '';
  return `<figure>${svg}${words}</figure>`;
}

function renderTable(table: Table): string {
  const { aligns, cells } = layOut(table);
  const attribute = (at: number) => (aligns[at] === 'right' ? ' class="right"' : '');
  const head = table.columns.map(
    (column, at) => `<th scope="col"${attribute(at)}>${escapeText(column.name)}</th>`,
  );
  const body = cells.map((row) => {
    const written = row.map((cell, at) => {
      const [open, close] = at === 0 ? ['th scope="row"', 'th'] : ['td', 'td'];
      return `<${open}${attribute(at)}>${escapeText(cell)}</${close}>`;
    });
    return `<tr>${written.join('')}</tr>`;
  });
  return [
    '<div class="table"><table>',
    ...(table.caption ? [`<caption>${escapeText(table.caption)}</caption>`] : []),
    `<thead><tr>${head.join('')}</tr></thead>`,
    '<tbody>',
    ...body,
    '</tbody>',
    '</table></div>',
  ].join('\n');
}

/** `dir="auto"`: model text may be in a script that is written from right to left. */
function renderCard({ title, prompt, responses }: Card): string {
  const items = responses.map(({ text, score, remark }) =>
    [
      `<li class="response"><p dir="auto">${escapeText(text)}</p>`,
      ...(score === undefined
        ? []
        : [`<span class="score" aria-label="score ${formatNumber(score)}">${formatNumber(score)}</span>`]),
      ...(remark ? [`<span class="remark" dir="auto">${escapeText(remark)}</span>`] : []),
      '</li>',
    ].join(''),
  );
  return [
    '<article>',
    ...(title ? [`<h3>${escapeText(title)}</h3>`] : []),
    `<p class="prompt" dir="auto">${escapeText(prompt)}</p>`,
    `<ol>${items.join('')}</ol>`,
    '</article>',
  ].join('\n');
}
