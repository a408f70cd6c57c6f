import { mix } from '@gram/data';
import { textTable } from '@gram/report';
import { defineCommand, type Io } from '../../command.js';
import { CliError } from '../../error.js';
import type { Values } from '../../flags.js';
import { decimalNumber } from '../../parse-flags.js';
import {
  checkOutput,
  jsonFlag,
  noteReading,
  openRecords,
  outputOperand,
  readingOf,
  recordFlags,
  watchedItems,
} from './input.js';
import { writeSources, writtenLine } from './pass.js';

/** `gram data mix`: several files as one. */
export const mixCommand = defineCommand({
  operands: { output: outputOperand },
  flags: {
    ...recordFlags,
    source: {
      value: 'PATH=WEIGHT',
      multiple: true,
      help: 'a file of records with its weight relative to the others, as in chat.jsonl=3',
    },
    json: jsonFlag,
  },
  example: 'gram data mix train.jsonl --source chat.jsonl=3 --source code.jsonl=1',
  cost: 'reading the files',
  async run({ output, source, json, ...values }, io) {
    const named = source.map((text) => {
      const [, name, weight] = /^(.+)=([^=]+)$/s.exec(text) ?? [];
      if (name !== undefined && weight !== undefined) {
        return { name, weight: decimalNumber('source', weight) };
      }
      throw new CliError(
        'usage',
        `--source is ${JSON.stringify(text)}`,
        'write it as PATH=WEIGHT, such as chat.jsonl=3',
      );
    });
    const paths = named.map(({ name }) => name);
    await checkOutput(output, paths);
    await checkFormats(paths, values, io);
    const sources = await Promise.all(
      named.map(async (one) => ({
        ...one,
        items: await openRecords(one.name, values, io, { isOneOfSeveral: true }),
      })),
    );
    const mixture = mix(sources);
    const written = await writeSources(output, watchedItems(mixture, output, io), io);
    for (const { name, items } of sources) {
      io.stderr.write(`data: ${name}\n`);
      noteReading(items, values.format !== undefined, io);
    }
    if (json) {
      const counts = mixture.counts.map((count, at) => ({ ...count, ...readingOfSource(at) }));
      io.stdout.write(`${JSON.stringify({ output, written, sources: counts })}\n`);
      return;
    }
    const table = textTable({
      columns: [{ name: 'source' }, { name: 'read' }, { name: 'taken' }, { name: 'left' }],
      rows: mixture.counts.map(({ name, read, taken, left }) => [name, read, taken, left]),
    });
    io.stdout.write(`${table}\n\n${writtenLine(output, written)}\n`);

    function readingOfSource(at: number) {
      const one = sources[at];
      return one === undefined ? {} : readingOf(one.items);
    }
  },
});

/** Refuses files of several formats: a file has one. */
async function checkFormats(
  paths: readonly string[],
  values: Values<typeof recordFlags>,
  io: Io,
): Promise<void> {
  const formats = await Promise.all(
    paths.map(async (path) => {
      const reading = await openRecords(path, values, io, { isOneOfSeveral: true });
      for await (const _ of reading) break;
      return reading.format;
    }),
  );
  if (new Set(formats).size <= 1) return;
  throw new CliError(
    'bad-file',
    `the sources have the formats ${formats.join(', ')}`,
    'write all of them in one format first, with gram data convert',
  );
}
