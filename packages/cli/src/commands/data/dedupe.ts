import { deduplicate, deduplicateNear, type SourcedRecord } from '@gram/data';
import { defineCommand } from '../../command.js';
import { share } from '../../parse-flags.js';
import { inputOperand, jsonFlag, outputOperand, recordFlags } from './input.js';
import { passRecords } from './pass.js';

/** `gram data dedupe`: no record twice. */
export const dedupeCommand = defineCommand({
  operands: { input: inputOperand, output: outputOperand },
  flags: {
    ...recordFlags,
    by: {
      value: 'NAME',
      choices: ['record', 'prompt'],
      help: 'what is compared: the whole record (default), or its prompt alone',
    },
    near: {
      value: 'SIMILARITY',
      bare: '0.8',
      help: 'also leave out what is nearly equal: a share of runs of 5 words in common, 0.8 if not given',
    },
    json: jsonFlag,
  },
  example: 'gram data dedupe raw.jsonl clean.jsonl --near',
  cost: 'reading the file, some five times as long with --near; 0.1 KB of memory a record, 1 KB with --near',
  async run({ input, output, by, near, json, ...values }, io) {
    // The flags have checked the name.
    const compared = { by: by as 'record' | 'prompt' | undefined };
    const steps = [
      deduplicate<SourcedRecord>(compared),
      ...(near === undefined
        ? []
        : [deduplicateNear<SourcedRecord>({ ...compared, similarity: share('near', near) })]),
    ];
    await passRecords({ input, output, values, steps, json }, io);
  },
});
