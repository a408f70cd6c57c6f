import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type SourcedRecord, splitByPrompt } from '@gram/data';
import { defineCommand } from '../../command.js';
import { CliError } from '../../error.js';
import { share, wholeNumber } from '../../parse-flags.js';
import {
  checkOutput,
  inputOperand,
  jsonFlag,
  noteReading,
  openRecords,
  readingOf,
  recordFlags,
  seedFlag,
} from './input.js';
import { writeSources, writtenLine } from './pass.js';

/** `gram data split`: parts that share no prompt. */
export const splitCommand = defineCommand({
  operands: {
    input: inputOperand,
    output: { value: 'FOLDER', help: 'folder of the parts, NAME.jsonl each' },
  },
  flags: {
    ...recordFlags,
    part: {
      value: 'NAME=SHARE',
      multiple: true,
      help: 'a part with its share of the prompts, as in train=0.9; the shares sum to 1',
    },
    seed: seedFlag,
    json: jsonFlag,
  },
  example: 'gram data split all.jsonl parts --part train=0.9 --part test=0.1',
  cost: 'reading the file once for each part',
  async run({ input, output: folder, part, seed, json, ...values }, io) {
    const shares = Object.fromEntries(part.map(partOf));
    if (Object.keys(shares).length < part.length) {
      throw new CliError('usage', 'two parts have one name', 'give each part a name of its own');
    }
    const partOfRecord = splitByPrompt(shares, seed === undefined ? 0 : wholeNumber('seed', seed, 0));
    await mkdir(folder, { recursive: true });
    const outputs = Object.keys(shares).map((name) => ({ name, path: join(folder, `${name}.jsonl`) }));
    for (const { path } of outputs) await checkOutput(path, [input]);
    const parts: { name: string; output: string; written: number }[] = [];
    for (const [at, { name, path }] of outputs.entries()) {
      const reading = await openRecords(input, values, io);
      const written = await writeSources(
        path,
        only(reading, (record) => partOfRecord(record) === name),
        io,
      );
      parts.push({ name, output: path, written });
      if (at < outputs.length - 1) continue;
      noteReading(reading, values.format !== undefined, io);
      const lines = parts.map((one) => writtenLine(one.output, one.written));
      io.stdout.write(
        json ? `${JSON.stringify({ parts, ...readingOf(reading) })}\n` : `${lines.join('\n')}\n`,
      );
    }
  },
});

/** A name and a share of a part. */
function partOf(text: string): [name: string, share: number] {
  const [, name, part] = /^([A-Za-z0-9_-]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && part !== undefined) return [name, share('part', part)];
  throw new CliError(
    'usage',
    `--part is ${JSON.stringify(text)}`,
    'write it as NAME=SHARE, such as train=0.9',
  );
}

async function* only(
  records: AsyncIterable<SourcedRecord>,
  isWanted: (record: SourcedRecord) => boolean,
): AsyncGenerator<SourcedRecord> {
  for await (const record of records) if (isWanted(record)) yield record;
}
