export { answerField, promptField, turnsField } from './conversations/messages.js';
export { type Conversation, type SplitPair, splitPair } from './conversations/split.js';
export { DataError, type DataErrorCode } from './error.js';
export {
  badField,
  idOf,
  numberField,
  optionalText,
  textField,
  valueAt,
} from './files/fields.js';
export { type FileRecord, readRecords } from './files/read-records.js';
export { writeJsonl } from './files/write-jsonl.js';
export {
  type DemonstrationFormat,
  demonstrationFormats,
  readDemonstrations,
} from './readers/demonstrations.js';
export { type PreferenceFormat, preferenceFormats, readPreferences } from './readers/preferences.js';
export type { DropReason, ReadOptions } from './readers/read-format.js';
export {
  type ResponseFormat,
  type ResponseOptions,
  readResponsePairs,
  responseFormats,
} from './readers/responses.js';
export type {
  Demonstration,
  PreferencePair,
  PromptRecord,
  ResponseList,
  ResponsePair,
  TextRecord,
} from './records.js';
