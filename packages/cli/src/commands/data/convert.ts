import {
  type DemonstrationFormat,
  describeStep,
  type LabelFormat,
  type PreferenceFormat,
  type PreferenceOptions,
  type PromptFormat,
  pairings,
  type Reading,
  type ResponseFormat,
  readDemonstrations,
  readLabeledResponses,
  readPreferences,
  readPrompts,
  readResponsePairs,
  WRITERS,
  type WriterName,
  writeJsonl,
  writerNames,
} from '@gram/data';
import { judgePrompt } from '@gram/tokenize';
import { defineCommand, type Io } from '../../command.js';
import { CliError } from '../../error.js';
import { recordOptions } from '../../evaluation/read-pairs.js';
import { fetchData } from '../../input/fetch-data.js';
import { wholeNumber } from '../../parse-flags.js';
import {
  checkOutput,
  inputOperand,
  jsonFlag,
  noteReading,
  outputOperand,
  readingOf,
  recordFlags,
  seedFlag,
  watched,
} from './input.js';
import { writtenLine } from './pass.js';

/** `gram data convert`: records in another format. */
export const convertDataCommand = defineCommand({
  operands: { input: inputOperand, output: outputOperand },
  flags: {
    ...recordFlags,
    to: {
      value: 'NAME',
      required: true,
      choices: writerNames,
      help: 'format to write',
    },
    pairing: {
      value: 'NAME',
      choices: pairings,
      help: 'how ranked responses become judged pairs; default all',
    },
    weights: { help: 'give each of the pairs of a ranking a weight, so that all together weigh 1' },
    'pairs-per-prompt': {
      value: 'N',
      help: 'pairs without a judgment to draw from more than two responses; default 1',
    },
    seed: seedFlag,
    json: jsonFlag,
  },
  example: 'gram data convert pairs.jsonl stage2.jsonl --to gram-finetune',
  cost: 'reading the file and writing it',
  async run(values, io) {
    const { input, output, to, json } = values;
    if (values.weights && to !== 'preference') {
      throw new CliError(
        'usage',
        `the format ${to} has no weights`,
        'leave out --weights, or write --to preference',
      );
    }
    await checkOutput(output, [input]);
    const name = to as WriterName; // The flag has checked the name.
    const { reading, records } = opened(name, await fetchData(input, io), values, io);
    const refused: Record<string, number> = {};
    let written = 0;
    await writeJsonl(
      output,
      (async function* () {
        for await (const record of records) {
          io.signal.throwIfAborted();
          if (typeof record === 'string') {
            refused[record] = (refused[record] ?? 0) + 1;
            continue;
          }
          written++;
          yield record;
        }
        if (written === 0)
          throw new CliError('bad-file', `nothing is left for ${output}`, 'check the file and the flags');
      })(),
    );
    noteReading(reading, values.format !== undefined, io);
    const read = reading.counts.items;
    const step = { name: 'writing', read, kept: written, dropped: refused };
    io.stdout.write(
      json
        ? `${JSON.stringify({ output, to, written, ...readingOf(reading), steps: [step] })}\n`
        : `${describeStep(step)}\n${writtenLine(output, written)}\n`,
    );
  },
});

interface Choices {
  readonly format: string | undefined;
  readonly column: readonly string[];
  readonly 'max-bad-records': string | undefined;
  readonly degenerate: string | undefined;
  readonly pairing: string | undefined;
  readonly weights: boolean;
  readonly 'pairs-per-prompt': string | undefined;
  readonly seed: string | undefined;
}

/** Opens a file by the reader that a format is written from. */
function opened(
  name: WriterName,
  input: string,
  values: Choices,
  io: Io,
): { readonly reading: Reading<unknown>; readonly records: AsyncIterable<object | string> } {
  const seed = values.seed === undefined ? 0 : wholeNumber('seed', values.seed, 0);
  const options = { ...recordOptions(values), format: values.format };
  const shown = { input, io };
  const instruction = judgePrompt('gram-eval-1').instruction;
  switch (name) {
    case 'preference':
    case 'gram-finetune':
    case 'gram-eval': {
      // Readers check the format, which has to hold what they read.
      const reading = readPreferences(input, {
        ...options,
        format: values.format as PreferenceFormat | undefined,
        pairing: values.pairing as PreferenceOptions['pairing'],
        weights: values.weights,
        margins: name === 'preference',
      });
      return written(reading, WRITERS[name].create({ seed, instruction }), shown);
    }
    case 'gram-pretrain':
    case 'outputs': {
      const most = values['pairs-per-prompt'];
      const pairsPerPrompt = most === undefined ? 1 : wholeNumber('pairs-per-prompt', most, 1);
      const format = values.format as ResponseFormat | undefined;
      const reading = readResponsePairs(input, { ...options, format, seed, pairsPerPrompt });
      return written(reading, WRITERS[name].create(), shown);
    }
    case 'messages': {
      const format = values.format as DemonstrationFormat | undefined;
      return written(readDemonstrations(input, { ...options, format }), WRITERS.messages.create(), shown);
    }
    case 'kto': {
      const format = values.format as LabelFormat | undefined;
      return written(readLabeledResponses(input, { ...options, format }), WRITERS.kto.create(), shown);
    }
    case 'prompts': {
      const format = values.format as PromptFormat | undefined;
      return written(readPrompts(input, { ...options, format }), WRITERS.prompts.create(), shown);
    }
  }
}

/** A writer turns the records of a reader into those of its format. */
function written<Item>(
  reading: Reading<Item>,
  write: (item: Item) => object | string,
  { input, io }: { readonly input: string; readonly io: Io },
): ReturnType<typeof opened> {
  async function* records() {
    for await (const item of watched(reading, input, io)) yield write(item);
  }
  return { reading, records: records() };
}
