import { createPipeline, describeStep, type SourcedRecord, type Step, writeJsonl } from '@gram/data';
import type { Io } from '../../command.js';
import { CliError } from '../../error.js';
import type { Values } from '../../flags.js';
import { checkOutput, noteReading, openRecords, readingOf, type recordFlags } from './input.js';

/** Records of one file on their way to another one. */
export interface Passage {
  readonly input: string;
  readonly output: string;
  readonly values: Values<typeof recordFlags>;
  readonly steps: readonly Step<SourcedRecord>[];
  readonly json: boolean;
  /** Fields that the JSON has beside the counts, and lines that say the same; read at the end. */
  readonly more?: () => { readonly fields: object; readonly lines: readonly string[] };
}

/**
 * Sends the records of a file through steps to another file, where they are the objects that were read, and says what became of them.
 *
 * @throws {CliError} `bad-file` where nothing is left; the output is then as it was
 */
export async function passRecords(passage: Passage, io: Io): Promise<void> {
  const { input, output, values, steps, json, more } = passage;
  await checkOutput(output, [input]);
  const reading = await openRecords(input, values, io);
  const pipeline = createPipeline(reading, steps);
  const written = await writeSources(output, pipeline, io);
  noteReading(reading, values.format !== undefined, io);
  const extra = more?.();
  if (json) {
    const counts = { ...readingOf(reading), steps: pipeline.counts };
    io.stdout.write(`${JSON.stringify({ output, written, ...counts, ...extra?.fields })}\n`);
    return;
  }
  const lines = [...pipeline.counts.map(describeStep), ...(extra?.lines ?? []), writtenLine(output, written)];
  io.stdout.write(`${lines.join('\n')}\n`);
}

/** Writes the objects that records were read from, and returns their number. */
export async function writeSources(
  output: string,
  records: AsyncIterable<SourcedRecord>,
  io: Pick<Io, 'signal'>,
): Promise<number> {
  let written = 0;
  await writeJsonl(
    output,
    (async function* () {
      for await (const record of records) {
        io.signal.throwIfAborted();
        for (const source of sourcesOf(record)) {
          written++;
          yield source;
        }
      }
      if (written === 0)
        throw new CliError('bad-file', `nothing is left for ${output}`, 'check the file and the flags');
    })(),
  );
  return written;
}

/** The objects that a record was read from, which have to be JSON. */
export function sourcesOf({ source, isText }: SourcedRecord): readonly object[] {
  if (!isText) return source;
  throw new CliError(
    'bad-file',
    'the records are rows of texts, whose numbers JSON Lines would not have',
    'write them as JSON Lines first, with gram data convert',
  );
}

/** Says how many records a file has. */
export function writtenLine(output: string, written: number): string {
  return `${output}: ${written} records`;
}
