import { conversationText } from '@gram/base';
import { type DataRecord, promptOf, responsesOf, type SourcedRecord } from '@gram/data';
import { defineCommand } from '../../command.js';
import { wholeNumber } from '../../parse-flags.js';
import { inputOperand, jsonFlag, noteReading, openRecords, readingOf, recordFlags } from './input.js';
import { responseName } from './report/response-name.js';

/** Characters of a text that are shown. */
const SHOWN = 400;

/** `gram data inspect`: what a file of records is. */
export const inspectDataCommand = defineCommand({
  operands: { input: inputOperand },
  flags: {
    ...recordFlags,
    show: { value: 'N', help: 'records to show from the start; default 2' },
    json: jsonFlag,
  },
  example: 'gram data inspect pairs.jsonl.gz',
  cost: 'reading the file',
  async run({ input, show, json, ...values }, io) {
    const count = show === undefined ? 2 : wholeNumber('show', show, 0);
    const reading = await openRecords(input, values, io);
    const examples: SourcedRecord[] = [];
    const fields = new Set<string>();
    for await (const record of reading) {
      io.signal.throwIfAborted();
      for (const source of record.source) for (const field of Object.keys(source)) fields.add(field);
      if (examples.length < count) examples.push(record);
    }
    noteReading(reading, values.format !== undefined, io);
    if (json) {
      const shown = examples.map(({ source: _, isText: __, ...record }) => record);
      io.stdout.write(`${JSON.stringify({ ...readingOf(reading), fields: [...fields], examples: shown })}\n`);
      return;
    }
    const lines = [
      `format   ${reading.format ?? 'none: there is no record'}`,
      `fields   ${[...fields].join(', ')}`,
      ...examples.flatMap((record) => ['', ...describeRecord(record)]),
    ];
    io.stdout.write(`${lines.join('\n')}\n`);
  },
});

/** The parts of a record, each with its name. */
function describeRecord(record: DataRecord): string[] {
  const part = (name: string, text: string) => `${name}: ${cut(text)}`;
  return [
    `record ${record.id}`,
    part('text' in record ? 'text' : 'prompt', conversationText(promptOf(record))),
    ...responsesOf(record).map((response, at) => part(responseName(record, at), conversationText(response))),
  ];
}

function cut(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)} ... (${text.length} characters)`;
}
