import { resolve } from 'node:path';
import { checkWritable, threadCount } from '@gram/base';
import {
  type DataRecord,
  describeCounts,
  type EvaluationSet,
  type FormatName,
  formatNames,
  type ReadCounts,
  type Reading,
  readData,
  readingNotes,
  readPrompts,
  type SourcedRecord,
} from '@gram/data';
import { type BenchmarkName, benchmarkNames, readBenchmark } from '@gram/ranking';
import { createTokenCounter, type TokenCounter, type Tokenizer } from '@gram/tokenize';
import type { Io } from '../../command.js';
import { CliError } from '../../error.js';
import { pairFlags, recordOptions } from '../../evaluation/read-pairs.js';
import type { Flags, Values } from '../../flags.js';
import { fetchData } from '../../input/fetch-data.js';
import { createLateProgress } from '../../input/late-progress.js';

/** The file that a command reads. */
export const inputOperand = {
  value: 'INPUT',
  help: 'records in .jsonl, .json, .csv, .tsv or .parquet, compressed or not; a folder, a pattern, hf://datasets/OWNER/NAME/PATH or https://...',
} as const;

/** The file that a command writes. */
export const outputOperand = { value: 'OUTPUT', help: 'file to write, .jsonl or .jsonl.gz' } as const;

/** Flags that say how records of any kind are read. */
export const recordFlags = {
  format: { ...pairFlags.format, choices: formatNames },
  column: pairFlags.column,
  'max-bad-records': pairFlags['max-bad-records'],
  degenerate: pairFlags.degenerate,
} as const satisfies Flags;

/** The flag that names evaluation sets. */
export const againstFlag = {
  value: '[NAME=]PATH',
  multiple: true,
  help: `an evaluation set: a file of prompts, or NAME=PATH for a benchmark in its published form (${benchmarkNames.join(', ')}) or a format`,
} as const;

/** The flag that names a tokenizer. */
export const tokenizerFlag = {
  value: 'PATH',
  help: 'a tokenizer.json, or the directory of a model, by which tokens are counted',
} as const;

/** The seed of what is drawn. */
export const seedFlag = { value: 'N', help: 'seed of what is drawn; default 0' } as const;

/** Prints JSON in the place of sentences. */
export const jsonFlag = { help: 'print JSON' } as const;

/**
 * Opens a file of records of any kind, which is fetched if need be. Reading it ends when the signal is aborted, and shows its progress
 * unless it is one of several files that are read at the same time.
 */
export async function openRecords(
  path: string,
  values: Values<typeof recordFlags>,
  io: Io,
  { isOneOfSeveral = false }: { readonly isOneOfSeveral?: boolean } = {},
): Promise<Reading<SourcedRecord>> {
  const local = await fetchData(path, io);
  // The flags have checked the name.
  const format = values.format as FormatName | undefined;
  const reading = readData(local, { ...recordOptions(values), format });
  return watched(reading, isOneOfSeveral ? undefined : path, io);
}

/** Makes a counter of tokens that ends when the command is stopped; it has to be closed. */
export function openCounter(tokenizer: Tokenizer, { signal }: Pick<Io, 'signal'>): TokenCounter {
  return createTokenCounter(tokenizer, { threads: threadCount(), signal });
}

/** The progress line and the signal of a command. */
type Watch = Pick<Io, 'signal' | 'stderr'>;

/** Makes a reading show its progress under a name, and end when the signal is aborted, also where nothing that it gives is kept. */
export function watched<Item>(
  reading: Reading<Item>,
  label: string | undefined,
  watch: Watch,
): Reading<Item> {
  return {
    get format() {
      return reading.format;
    },
    get counts() {
      return reading.counts;
    },
    [Symbol.asyncIterator]: () => watchedItems(reading, label, watch),
  };
}

/** Records between two updates of the progress line. */
const SHOWN_RECORDS = 64;

/** Gives items, and shows on the error stream how many there were under a name, or nothing without one. */
export async function* watchedItems<Item>(
  items: AsyncIterable<Item>,
  label: string | undefined,
  { signal, stderr }: Watch,
): AsyncGenerator<Item, void, undefined> {
  const progress =
    label === undefined ? undefined : createLateProgress({ label, unit: 'records', stream: stderr });
  let seen = 0;
  try {
    for await (const item of items) {
      signal.throwIfAborted();
      if (++seen % SHOWN_RECORDS === 0) progress?.update(seen);
      yield item;
    }
  } finally {
    progress?.finish();
  }
}

/** Says on the error stream what a reader has met. */
export function noteReading(reading: Reading<unknown>, isNamed: boolean, io: Pick<Io, 'stderr'>): void {
  const notes = [describeCounts(reading.counts), ...readingNotes(reading, isNamed)];
  for (const note of notes) io.stderr.write(`data: ${note}\n`);
}

/** The counts of a reader, for JSON. */
export function readingOf({ format, counts }: Reading<unknown>): {
  format: string | undefined;
  records: ReadCounts;
} {
  return { format, records: counts };
}

/**
 * Checks that a file of records can be written, before what takes long.
 *
 * @throws {CliError} `usage` for a name of another form, and for a file that is read as well
 */
export async function checkOutput(output: string, inputs: readonly string[]): Promise<void> {
  if (!/\.jsonl(\.gz)?$/.test(output)) {
    throw new CliError('usage', `cannot write ${output}`, 'name the output .jsonl or .jsonl.gz');
  }
  if (inputs.some((input) => resolve(input) === resolve(output))) {
    throw new CliError('usage', `${output} is read and cannot be written`, 'name another output');
  }
  await checkWritable(output);
}

/** Opens the evaluation sets that flags name. A benchmark is read as it is published, and any other file as prompts. */
export async function evaluationSets(against: readonly string[], io: Io): Promise<readonly EvaluationSet[]> {
  const prompts = async (path: string, options: Parameters<typeof readPrompts>[1]) =>
    watched(readPrompts(await fetchData(path, io), options), path, io);
  return Promise.all(
    against.map(async (text) => {
      const [, name, path] = /^([a-z][a-z0-9-]*)=(.+)$/s.exec(text) ?? [undefined, undefined, text];
      if (name === undefined) return { name: path, records: await prompts(path, {}) };
      if (isBenchmark(name))
        return {
          name,
          records: (await readBenchmark(await fetchData(path, io), name)).items.map(promptRecord),
        };
      const format = formatNames.find((one) => one === name);
      if (format === undefined || format === 'text') {
        throw new CliError(
          'usage',
          `--against names ${JSON.stringify(name)}, which is no benchmark and no format with prompts`,
          'write NAME=PATH with one of them, or the path alone',
        );
      }
      return { name: path, records: await prompts(path, { format }) };
    }),
  );
}

function isBenchmark(name: string): name is BenchmarkName {
  return benchmarkNames.some((one) => one === name);
}

function promptRecord({ id, prompt }: Pick<Extract<DataRecord, { prompt: unknown }>, 'id' | 'prompt'>) {
  return { id, prompt };
}
