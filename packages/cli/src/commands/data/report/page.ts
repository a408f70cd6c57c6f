import { conversationText, formatPercent } from '@gram/base';
import {
  type DataRecord,
  describeReason,
  promptOf,
  type ReadCounts,
  responsesOf,
  type SetOverlap,
} from '@gram/data';
import { barChart, type Card, page, type Section } from '@gram/report';
import type { DataStatistics, NameCount, PartLengths } from './measure.js';
import { responseName } from './response-name.js';
import { lengthTable, overlapTable } from './tables.js';

/** Characters of a text that the page shows. */
const SHOWN = 1500;
/** Rows of a table of names. */
const MOST_ROWS = 30;

/** The contents of the page. */
export interface PageContent {
  readonly input: string;
  readonly reading: { readonly format: string | undefined; readonly records: ReadCounts };
  readonly found: DataStatistics;
  readonly overlaps: readonly SetOverlap[];
  readonly examples: readonly DataRecord[];
}

/** Describes a file of records as one HTML file. */
export function statisticsPage({ input, reading, found, overlaps, examples }: PageContent): string {
  return page({
    title: input,
    subtitle: `${found.records} records, ${found.prompts} different prompts, format ${reading.format ?? 'none'}`,
    sections: [
      countSection(reading.records, found),
      lengthSection(found),
      {
        heading: 'Sources and languages',
        tables: [
          ...(found.families.length === 0 ? [] : [nameTable('source', found.families)]),
          nameTable('language', found.languages),
        ],
      },
      qualitySection(found),
      ...(overlaps.length === 0 ? [] : [overlapSection(overlaps)]),
      {
        heading: 'Records to read',
        paragraphs: ['Drawn at random, in the order of the file.'],
        cards: examples.map(recordCard),
      },
    ],
  });
}

function countSection(
  { read, kept, dropped, repeatedIds, repeatedPrompts }: ReadCounts,
  found: DataStatistics,
): Section {
  const reasons = Object.entries(dropped).map(([reason, count]) => [
    `dropped: ${describeReason(reason)}`,
    count,
  ]);
  return {
    heading: 'Counts',
    tables: [
      {
        columns: [{ name: 'what' }, { name: 'number' }],
        rows: [
          ['records read', read],
          ['records kept', kept],
          ...(reasons as [string, number][]),
          ['responses', found.responses],
          ['different prompts', found.prompts],
          ['records with the id of an earlier one', repeatedIds],
          ['records whose responses begin with their prompt', repeatedPrompts],
        ],
      },
    ],
  };
}

function lengthSection(found: DataStatistics): Section {
  const [unit, lengths] = found.tokens === null ? ['characters', found.characters] : ['tokens', found.tokens];
  return {
    heading: 'Lengths',
    paragraphs: [
      `A record is its prompt and all of its responses together. ${found.tokens === null ? 'Without a tokenizer lengths are in characters.' : 'What a judging prompt or a chat template adds is not counted.'}`,
    ],
    figures: [
      {
        svg: lengthChart(unit as string, lengths as PartLengths),
        caption: 'Number of texts up to each length, and longer than half of it.',
      },
    ],
    tables: [lengthTable(found)],
  };
}

function lengthChart(unit: string, { prompt, response }: PartLengths): string {
  const size = Math.max(prompt.bins.length, response.bins.length);
  const first =
    Array.from({ length: size }, (_, at) => at).find((at) => prompt.bins[at] || response.bins[at]) ?? 0;
  return barChart({
    title: `Lengths in ${unit}`,
    yLabel: 'number of texts',
    groups: Array.from({ length: size - first }, (_, offset) => {
      const at = first + offset;
      return {
        name: `${2 ** at}`,
        bars: [
          { name: 'prompts', value: prompt.bins[at] ?? 0 },
          { name: 'responses', value: response.bins[at] ?? 0 },
        ],
      };
    }),
  });
}

function nameTable(what: string, counts: readonly NameCount[]) {
  const shown = counts.slice(0, MOST_ROWS);
  const rest = counts.slice(MOST_ROWS);
  const others = rest.reduce((sum, { records }) => sum + records, 0);
  return {
    columns: [{ name: what }, { name: 'records' }],
    rows: [
      ...shown.map(({ name, records }): [string, number] => [name, records]),
      ...(rest.length === 0 ? [] : [[`${rest.length} others`, others] as [string, number]]),
    ],
  };
}

function qualitySection({ damaged, repeated, chosenLonger, records }: DataStatistics): Section {
  const rows = [...damaged, ...repeated].map(({ name, records: count }): [string, number, string] => [
    name.replaceAll('-', ' '),
    count,
    formatPercent(records === 0 ? null : count / records),
  ]);
  return {
    heading: 'Damage and repetition',
    paragraphs: [
      ...(rows.length === 0 ? ['No text is damaged, and no record repeats another one.'] : []),
      ...(chosenLonger === null
        ? []
        : [
            `The chosen response is the longer one in ${formatPercent(chosenLonger)} of the pairs whose lengths differ.`,
          ]),
    ],
    tables:
      rows.length === 0
        ? []
        : [{ columns: [{ name: 'what' }, { name: 'records' }, { name: 'share', align: 'right' }], rows }],
  };
}

function overlapSection(overlaps: readonly SetOverlap[]): Section {
  return {
    heading: 'Overlap with evaluation sets',
    paragraphs: [
      'A prompt is found where a turn of a user equals it but for case and white space, or where a record holds 80 % of its runs of 8 words.',
    ],
    tables: [overlapTable(overlaps)],
    cards: overlaps.flatMap(({ name, examples }) =>
      examples.slice(0, 3).map(({ prompt, record, isEqual }) => ({
        title: `${name}, ${isEqual ? 'equal' : 'nearly equal'}`,
        prompt: cut(prompt),
        responses: [{ text: cut(record), remark: 'in the data' }],
      })),
    ),
  };
}

function recordCard(record: DataRecord): Card {
  const family = 'family' in record ? record.family : undefined;
  return {
    title: family === undefined ? record.id : `${record.id}, ${family}`,
    prompt: cut(conversationText(promptOf(record))),
    responses: responsesOf(record).map((response, at) => ({
      text: cut(conversationText(response)),
      remark: responseName(record, at),
    })),
  };
}

function cut(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)} ... (${text.length} characters)`;
}
