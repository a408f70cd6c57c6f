import { ReportError } from '../error.js';
import { layOut, type Table } from '../table.js';
import { escapeText } from '../text/escape.js';
import { formatNumber } from '../text/format.js';

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

/**
 * Renders a part of a page as HTML, for pages with the style `pageStyle`. All text is escaped.
 *
 * @param id of the element, unique on the page
 * @throws {ReportError} `bad-table` if a row has not one cell for each column, `bad-chart` if a figure is not an SVG element
 */
export function sectionMarkup(section: Section, id: string): string {
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

/** The cells of a column of texts carry its name, which the style shows where a screen is too narrow for columns. */
function renderTable(table: Table): string {
  const { aligns, cells } = layOut(table);
  const { columns, caption } = table;
  const hasTexts = columns.some(({ isText }) => isText);
  const classOf = (at: number) =>
    columns[at]?.isText ? ' class="text"' : aligns[at] === 'right' ? ' class="right"' : '';
  const head = columns.map(({ name }, at) => `<th scope="col"${classOf(at)}>${escapeText(name)}</th>`);
  const body = cells.map((row) => {
    const written = row.map((cell, at) => {
      const [open, close] = at === 0 ? ['th scope="row"', 'th'] : ['td', 'td'];
      const direction = columns[at]?.isText ? ' dir="auto"' : '';
      const name = hasTexts ? ` data-name="${escapeText(columns[at]?.name ?? '')}"` : '';
      return `<${open}${classOf(at)}${direction}${name}>${escapeText(cell)}</${close}>`;
    });
    return `<tr>${written.join('')}</tr>`;
  });
  return [
    `<div class="${hasTexts ? 'table texts' : 'table'}"><table>`,
    ...(caption ? [`<caption>${escapeText(caption)}</caption>`] : []),
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
