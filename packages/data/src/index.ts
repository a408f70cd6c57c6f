export { answerField, promptField, turnsField } from './conversations/messages.js';
export { type Conversation, type SplitPair, splitPair } from './conversations/split.js';
export { DataError, type DataErrorCode } from './error.js';
export { dataFiles } from './files/data-files.js';
export {
  badField,
  idOf,
  numberField,
  optionalText,
  textField,
  valueAt,
} from './files/fields.js';
export { readRecords } from './files/read-records.js';
export type { FileRecord } from './files/records.js';
export { writeJsonl } from './files/write-jsonl.js';
export { type Column, type ColumnField, type Columns, columnFields } from './format/columns.js';
export { type FormatName, formatNames } from './formats/index.js';
export {
  type DemonstrationFormat,
  demonstrationFormats,
  readDemonstrations,
} from './readers/demonstrations.js';
export { describeCounts, readingNotes } from './readers/describe.js';
export type { DropReason, ReadCounts, Reading, ReadOptions } from './readers/options.js';
export { type Pairing, pairings } from './readers/pairing.js';
export {
  type PreferenceFormat,
  type PreferenceOptions,
  preferenceFormats,
  readPreferences,
} from './readers/preferences.js';
export {
  type ResponseFormat,
  type ResponseOptions,
  readResponsePairs,
  responseFormats,
} from './readers/responses.js';
export { type PromptFormat, promptFormats, readLabeledResponses, readPrompts } from './readers/singles.js';
export type {
  Demonstration,
  LabeledResponse,
  PreferencePair,
  PromptRecord,
  ResponseList,
  ResponsePair,
  TextDocument,
  TextRecord,
} from './records.js';
