import {
  everyNth,
  first,
  type SourcedRecord,
  type Step,
  sampleCount,
  sampleShare,
  shuffle,
} from '@gram/data';
import { defineCommand } from '../../command.js';
import { CliError } from '../../error.js';
import { share, wholeNumber } from '../../parse-flags.js';
import { inputOperand, jsonFlag, outputOperand, recordFlags, seedFlag } from './input.js';
import { passRecords } from './pass.js';

/** `gram data sample`: a part of the records, in their order or in a random one. */
export const sampleCommand = defineCommand({
  operands: { input: inputOperand, output: outputOperand },
  flags: {
    ...recordFlags,
    every: { value: 'N', help: 'keep the first record and then every N-th one' },
    share: { value: 'SHARE', help: 'keep the records of this share of the prompts, 0 to 1' },
    count: { value: 'N', help: 'keep N records; smaller samples of a seed are part of larger ones' },
    first: { value: 'N', help: 'keep the first N records' },
    shuffle: { help: 'write the records in random order, over the whole file' },
    seed: seedFlag,
    json: jsonFlag,
  },
  example: 'gram data sample unified-feedback/train.jsonl.gz 40k.jsonl --every 20',
  cost: 'reading the file; --count and --shuffle hold its records in memory',
  async run(
    {
      input,
      output,
      every,
      share: part,
      count,
      first: start,
      shuffle: isShuffled,
      seed: text,
      json,
      ...values
    },
    io,
  ) {
    const seed = text === undefined ? 0 : wholeNumber('seed', text, 0);
    const steps: Step<SourcedRecord>[] = [
      ...(every === undefined ? [] : [everyNth<SourcedRecord>(wholeNumber('every', every, 1))]),
      ...(part === undefined ? [] : [sampleShare<SourcedRecord>(share('share', part), seed)]),
      ...(count === undefined ? [] : [sampleCount<SourcedRecord>(wholeNumber('count', count, 1), seed)]),
      ...(start === undefined ? [] : [first<SourcedRecord>(wholeNumber('first', start, 1))]),
      ...(isShuffled ? [shuffle<SourcedRecord>(seed)] : []),
    ];
    if (steps.length === 0) {
      throw new CliError(
        'usage',
        'gram data sample needs to know which records',
        'give --every, --share, --count, --first or --shuffle',
      );
    }
    await passRecords({ input, output, values, steps, json }, io);
  },
});
