import { checkWritable, createRandom, formatPercent } from '@gram/base';
import {
  type CountedRecord,
  createOverlapFinder,
  loadLanguageDetector,
  type SetOverlap,
  type SourcedRecord,
  withTokenCounts,
} from '@gram/data';
import { textTable, writePage } from '@gram/report';
import { loadTokenizer, type Tokenizer } from '@gram/tokenize';
import { defineCommand, type Io } from '../../command.js';
import {
  againstFlag,
  evaluationSets,
  inputOperand,
  jsonFlag,
  noteReading,
  openCounter,
  openRecords,
  readingOf,
  recordFlags,
  tokenizerFlag,
} from './input.js';
import { createMeasurement, type DataStatistics } from './report/measure.js';
import { statisticsPage } from './report/page.js';
import { lengthTable, overlapTable } from './report/tables.js';

/** Records that the page shows. */
const EXAMPLES = 8;

/** `gram data stats`: what is in a file of records. */
export const statsCommand = defineCommand({
  operands: { input: inputOperand },
  flags: {
    ...recordFlags,
    tokenizer: tokenizerFlag,
    against: againstFlag,
    page: { value: 'FILE', help: 'HTML file to write, with charts and records to read' },
    json: jsonFlag,
  },
  example: 'gram data stats pairs.jsonl --tokenizer model --against rm-bench=RM-Bench/data --page pairs.html',
  cost: 'reading the file; telling languages takes twice as long as that, tokenizing longer',
  async run({ input, tokenizer: path, against, page, json, ...values }, io) {
    if (page !== undefined) await checkWritable(page);
    const tokenizer = path === undefined ? undefined : loadTokenizer(path);
    const finder = await createOverlapFinder(await evaluationSets(against, io));
    const measurement = createMeasurement({
      detect: await loadLanguageDetector(),
      countsTokens: tokenizer !== undefined,
      finder,
    });
    const examples = createReservoir(EXAMPLES);
    const reading = await openRecords(input, values, io);
    for await (const { item, counts } of counted(reading, tokenizer, io)) {
      io.signal.throwIfAborted();
      measurement.add(item, counts);
      examples.add(item);
    }
    noteReading(reading, values.format !== undefined, io);
    const found = measurement.result();
    const { overlaps } = finder;
    io.stdout.write(
      json
        ? `${JSON.stringify({ ...readingOf(reading), statistics: found, overlaps })}\n`
        : `${statisticsText(found, overlaps)}\n`,
    );
    if (page === undefined) return;
    const content = { input, reading: readingOf(reading), found, overlaps, examples: examples.items };
    await writePage(page, statisticsPage(content));
  },
});

/** Gives records with the tokens of their texts, where there is a tokenizer. */
async function* counted(
  records: AsyncIterable<SourcedRecord>,
  tokenizer: Tokenizer | undefined,
  io: Io,
): AsyncGenerator<Partial<CountedRecord<SourcedRecord>> & { readonly item: SourcedRecord }> {
  if (tokenizer !== undefined) yield* withTokenCounts(records, openCounter(tokenizer, io));
  else for await (const item of records) yield { item };
}

/** Keeps some records, all that pass being equally likely (Vitter's algorithm R), in their order. */
function createReservoir(size: number) {
  const random = createRandom(0, 'examples');
  const kept: { readonly at: number; readonly item: SourcedRecord }[] = [];
  let count = 0;
  return {
    add(item: SourcedRecord) {
      const entry = { at: count++, item };
      if (kept.length < size) {
        kept.push(entry);
        return;
      }
      const place = random.integer(count);
      if (place < size) kept[place] = entry;
    },
    get items(): readonly SourcedRecord[] {
      return kept.toSorted((a, b) => a.at - b.at).map(({ item }) => item);
    },
  };
}

/** The statistics as text. */
function statisticsText(found: DataStatistics, overlaps: readonly SetOverlap[]): string {
  const { records, responses, prompts, chosenLonger } = found;
  const list = (counts: DataStatistics['families']) =>
    counts.length === 0
      ? 'none'
      : counts
          .slice(0, 8)
          .map(({ name, records: count }) => `${name} ${count}`)
          .join(', ');
  return [
    `records      ${records}, with ${prompts} different prompts and ${responses} responses`,
    `sources      ${list(found.families)}`,
    `languages    ${list(found.languages)}`,
    `damaged      ${list(found.damaged)}`,
    `repeated     ${list(found.repeated)}`,
    ...(chosenLonger === null
      ? []
      : [`longer       the chosen response in ${formatPercent(chosenLonger)} of the pairs`]),
    '',
    textTable(lengthTable(found)),
    ...(overlaps.length === 0 ? [] : ['', textTable(overlapTable(overlaps))]),
  ].join('\n');
}
