import { createOverlapFinder, decontaminate } from '@gram/data';
import { textTable } from '@gram/report';
import { defineCommand } from '../../command.js';
import { CliError } from '../../error.js';
import { againstFlag, evaluationSets, inputOperand, jsonFlag, outputOperand, recordFlags } from './input.js';
import { passRecords } from './pass.js';
import { overlapTable } from './report/tables.js';

/** `gram data decontaminate`: no record with a prompt of an evaluation set. */
export const decontaminateCommand = defineCommand({
  operands: { input: inputOperand, output: outputOperand },
  flags: { ...recordFlags, against: againstFlag, json: jsonFlag },
  example:
    'gram data decontaminate raw.jsonl clean.jsonl --against rm-bench=RM-Bench/data --against held-out.jsonl',
  cost: 'reading the evaluation sets into memory, then reading the file, twice as long as parsing it',
  async run({ input, output, against, json, ...values }, io) {
    if (against.length === 0) {
      throw new CliError(
        'usage',
        'gram data decontaminate needs evaluation sets',
        'add --against [NAME=]PATH',
      );
    }
    const finder = await createOverlapFinder(await evaluationSets(against, io));
    const more = () => ({
      fields: { overlaps: finder.overlaps },
      lines: ['', textTable(overlapTable(finder.overlaps)), ''],
    });
    await passRecords({ input, output, values, steps: [decontaminate(finder)], json, more }, io);
  },
});
