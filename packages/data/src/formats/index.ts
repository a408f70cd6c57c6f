import type { FileRecord } from '../files/read-records.js';
import type { Demonstration, PreferencePair, ResponsePair } from '../records.js';
import { alpaca } from './alpaca.js';
import { alpacaPairs } from './alpaca-pairs.js';
import { demonstration } from './demonstration.js';
import { hhRlhf } from './hh-rlhf.js';
import { llmbar } from './llmbar.js';
import { messages } from './messages.js';
import { orca } from './orca.js';
import { outputs, type PairingOptions } from './outputs.js';
import { preference } from './preference.js';
import { rmb } from './rmb.js';
import { shareGptPairs } from './sharegpt-pairs.js';
import { ultrafeedback } from './ultrafeedback.js';
import { webgpt } from './webgpt.js';

// The table of all formats by what their records hold. To add one, write its file and list it here.

/** Formats of judged pairs. Their records also give demonstrations and unjudged pairs. */
export const JUDGED = {
  preference,
  'hh-rlhf': hhRlhf,
  llmbar,
  ultrafeedback,
  rmb,
  webgpt,
  orca,
  'alpaca-pairs': alpacaPairs,
  'sharegpt-pairs': shareGptPairs,
} as const satisfies Record<string, (from: FileRecord) => PreferencePair | 'tie'>;

/** Formats of one response to a prompt. */
export const DEMONSTRATED = {
  demonstration,
  alpaca,
  messages,
} as const satisfies Record<string, (from: FileRecord) => Demonstration>;

/** Formats of several unjudged responses to a prompt. */
export const UNJUDGED = {
  outputs,
} as const satisfies Record<string, (from: FileRecord, options: PairingOptions) => readonly ResponsePair[]>;

/** Lists the names of a table. */
export function namesOf<Name extends string>(table: Readonly<Record<Name, unknown>>): readonly Name[] {
  return Object.keys(table) as Name[]; // `Object.keys` forgets which keys a table has.
}
