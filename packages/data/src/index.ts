export { DataError } from './error.js';
export {
  type DemonstrationFormat,
  demonstrationFormats,
  readDemonstrations,
} from './readers/demonstrations.js';
export {
  badField,
  conversationText,
  idOf,
  type Message,
  messagesField,
  numberField,
  optionalText,
  textField,
  valueAt,
} from './readers/fields.js';
export {
  type DropReason,
  type PreferenceFormat,
  preferenceFormats,
  type ReadOptions,
  readPreferences,
} from './readers/preferences.js';
export { type FileRecord, readRecords } from './readers/records.js';
export {
  type ResponseFormat,
  type ResponseOptions,
  readResponsePairs,
  responseFormats,
} from './readers/responses.js';
export type { Demonstration, PreferencePair, PromptRecord, ResponseList, ResponsePair } from './records.js';
export { writeJsonl } from './write-jsonl.js';
