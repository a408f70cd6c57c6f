import { createRandom } from '@gram/base';
import { placePair } from '../pipeline/positions.js';
import type {
  Demonstration,
  LabeledResponse,
  PreferencePair,
  PromptRecord,
  ResponsePair,
} from '../records.js';
import { gramEvalRecord, gramFinetuneRecord, gramPretrainRecord } from './gram.js';
import {
  ktoRecord,
  messagesRecord,
  preferenceRecord,
  promptsRecord,
  responsesRecord,
  type Unwritable,
} from './plain.js';

/** The records that writers of formats take, by the kind that is read. */
interface Read {
  readonly preferences: PreferencePair;
  readonly responses: ResponsePair;
  readonly demonstrations: Demonstration;
  readonly labels: LabeledResponse;
  readonly prompts: PromptRecord;
}

/** Options of the writers. */
export interface WriteOptions {
  /** Decides the order of responses, where a format has one. @default 0 */
  readonly seed?: number | undefined;
  /** What the judge is told before the question, in the data for stage 2 of GRAM. @default nothing */
  readonly instruction?: string | undefined;
}

/** A format that records are written in. */
interface WriterOf<Reads extends keyof Read> {
  /** The reader that gives what is written. */
  readonly reads: Reads;
  /** The fields of a written record, as a message shows them. */
  readonly fields: string;
  /** Makes the function that writes one record after the other. */
  create(options: WriteOptions): (item: Read[Reads]) => object | Unwritable;
}

/** The formats that records can be written in. Each is read back as what was written. */
export const WRITERS = {
  preference: {
    reads: 'preferences',
    fields: '{ id, prompt, chosen, rejected, margin?, family?, tools? }',
    create: () => preferenceRecord,
  },
  messages: {
    reads: 'demonstrations',
    fields: '{ id, messages, tools?, family? }',
    create: () => messagesRecord,
  },
  'gram-pretrain': {
    reads: 'responses',
    fields: '{ instruction, input, output } with two answers between the marks of GRAM',
    create: () => gramPretrainRecord,
  },
  'gram-finetune': {
    reads: 'preferences',
    fields: '{ instruction, input, output: "A" or "B" } with a judging prompt of GRAM',
    create({ seed = 0, instruction = '' }) {
      const random = createRandom(seed, 'position');
      return (pair) => gramFinetuneRecord(placePair(pair, random), instruction);
    },
  },
  'gram-eval': {
    reads: 'preferences',
    fields: '{ id, prompt, chosen, rejected, subset? }, all of them texts',
    create: () => gramEvalRecord,
  },
  outputs: {
    reads: 'responses',
    fields: '{ id, prompt, responses: [2], dataset? }',
    create: () => responsesRecord,
  },
  kto: { reads: 'labels', fields: '{ id, prompt, completion, label }', create: () => ktoRecord },
  prompts: { reads: 'prompts', fields: '{ id, prompt }', create: () => promptsRecord },
} as const satisfies Record<string, { readonly [Reads in keyof Read]: WriterOf<Reads> }[keyof Read]>;

/** The name of a format that records can be written in. */
export type WriterName = keyof typeof WRITERS;

/** The names of the formats that records can be written in. */
export const writerNames = Object.keys(WRITERS) as readonly WriterName[]; // `Object.keys` forgets which keys a table has.
