import type { Format, Kind } from '../format/format.js';
import { alpaca } from './alpaca.js';
import { alpacaFarm } from './alpaca-farm.js';
import { alpacaPairs } from './alpaca-pairs.js';
import { arena } from './arena.js';
import { autoJ } from './auto-j.js';
import { capybara } from './capybara.js';
import { demonstration } from './demonstration.js';
import { fastChat } from './fastchat.js';
import { gramFinetune } from './gram-finetune.js';
import { gramPretrain } from './gram-pretrain.js';
import { helpSteer2 } from './helpsteer2.js';
import { helpSteer2Ratings } from './helpsteer2-ratings.js';
import { helpSteer3 } from './helpsteer3.js';
import { hhRlhf } from './hh-rlhf.js';
import { kto } from './kto.js';
import { llmbar } from './llmbar.js';
import { messages } from './messages.js';
import { nectar } from './nectar.js';
import { orca } from './orca.js';
import { outputs } from './outputs.js';
import { pandaLm } from './pandalm.js';
import { preference } from './preference.js';
import { prompts } from './prompts.js';
import { rmb } from './rmb.js';
import { rmbBestOfN } from './rmb-best-of-n.js';
import { scoredResponses } from './scored-responses.js';
import { selfInstruct } from './self-instruct.js';
import { shareGptPairs } from './sharegpt-pairs.js';
import { shp } from './shp.js';
import { sumLlm } from './sumllm.js';
import { summarizeFromFeedback } from './summarize-from-feedback.js';
import { text } from './text.js';
import { ultrafeedback } from './ultrafeedback.js';
import { ultrafeedbackRaw } from './ultrafeedback-raw.js';
import { uniEval } from './unieval.js';
import { unifiedFeedback } from './unified-feedback.js';
import { webgpt } from './webgpt.js';

/**
 * All formats of records. To add one, write its file and list it here. The order matters where the fields of a record fit several
 * formats: it is then the first of them, so formats with more fields of their own stand before those with fewer.
 */
export const FORMATS = {
  'gram-finetune': gramFinetune,
  'gram-pretrain': gramPretrain,
  rmb,
  'rmb-best-of-n': rmbBestOfN,
  'unified-feedback': unifiedFeedback,
  shp,
  'summarize-from-feedback': summarizeFromFeedback,
  nectar,
  webgpt,
  helpsteer2: helpSteer2,
  'helpsteer2-ratings': helpSteer2Ratings,
  helpsteer3: helpSteer3,
  arena,
  'auto-j': autoJ,
  pandalm: pandaLm,
  unieval: uniEval,
  sumllm: sumLlm,
  'alpaca-farm': alpacaFarm,
  llmbar,
  'sharegpt-pairs': shareGptPairs,
  'alpaca-pairs': alpacaPairs,
  'hh-rlhf': hhRlhf,
  ultrafeedback,
  orca,
  preference,
  'ultrafeedback-raw': ultrafeedbackRaw,
  'scored-responses': scoredResponses,
  outputs,
  kto,
  'self-instruct': selfInstruct,
  demonstration,
  alpaca,
  capybara,
  messages,
  fastchat: fastChat,
  prompts,
  text,
} as const satisfies Record<string, Format>;

/** The name of a format of records. */
export type FormatName = keyof typeof FORMATS;

/** The names of the formats that hold things of some kinds. */
export type FormatNameOf<Holds extends Kind> = {
  readonly [Name in FormatName]: (typeof FORMATS)[Name]['holds'] extends Holds ? Name : never;
}[FormatName];

/** The names of all formats, in the order of the table. */
export const formatNames = Object.keys(FORMATS) as readonly FormatName[]; // `Object.keys` forgets which keys a table has.

/** Lists the formats that hold things of some kinds. */
export function formatsOf<Holds extends Kind>(kinds: readonly Holds[]): readonly FormatNameOf<Holds>[] {
  const isOne = (name: FormatName): name is FormatNameOf<Holds> =>
    kinds.some((kind) => kind === FORMATS[name].holds);
  return formatNames.filter(isOne);
}

/** Whether a format has this name. */
export function isFormatName(name: string): name is FormatName {
  return Object.hasOwn(FORMATS, name);
}
