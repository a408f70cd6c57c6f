export { answerField, promptField, turnsField } from './conversations/messages.js';
export { type Conversation, type SplitPair, splitPair } from './conversations/split.js';
export { DataError, type DataErrorCode } from './error.js';
export { dataFiles, isDataFile, matchesPattern } from './files/data-files.js';
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
export { unifiedFeedbackTurns } from './formats/unified-feedback.js';
export { type CountedRecord, recordChunks, withTokenCounts } from './pipeline/chunks.js';
export {
  createOverlapFinder,
  decontaminate,
  type EvaluationSet,
  type OverlapFinder,
  type SetOverlap,
} from './pipeline/decontaminate.js';
export {
  createDuplicateFinder,
  type DuplicateOptions,
  deduplicate,
  deduplicateNear,
  type NearDuplicateOptions,
} from './pipeline/deduplicate.js';
export {
  type Bounds,
  filterByCharacters,
  filterByLanguage,
  filterByTokens,
  filterGarble,
} from './pipeline/filter.js';
export {
  type MixCounts,
  type MixOptions,
  type MixSource,
  type Mixture,
  mix,
  mixWith,
} from './pipeline/mix.js';
export { type PlacedPair, placePair } from './pipeline/positions.js';
export { type DataRecord, promptDigest, promptOf, responsesOf, textsOf } from './pipeline/record-texts.js';
export { everyNth, first, sampleCount, sampleShare } from './pipeline/sample.js';
export { shuffle } from './pipeline/shuffle.js';
export { type Shares, splitByPrompt } from './pipeline/split.js';
export {
  createPipeline,
  type Pipeline,
  type PipelineOptions,
  type Step,
  type StepCounts,
  screen,
} from './pipeline/step.js';
export { readData, type SourcedRecord } from './readers/any.js';
export {
  type DemonstrationFormat,
  demonstrationFormats,
  readDemonstrations,
} from './readers/demonstrations.js';
export { describeCounts, describeReason, describeStep, readingNotes } from './readers/describe.js';
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
export {
  type LabelFormat,
  type PromptFormat,
  promptFormats,
  readLabeledResponses,
  readPrompts,
  readRewardedPrompts,
} from './readers/singles.js';
export type {
  Demonstration,
  LabeledResponse,
  PreferencePair,
  PromptRecord,
  ResponseList,
  ResponsePair,
  RewardedPrompt,
  TextDocument,
  TextRecord,
} from './records.js';
export { type Garble, garbleOf } from './text/garble.js';
export { type LanguageDetector, loadLanguageDetector } from './text/language.js';
export type { Unwritable } from './writers/plain.js';
export {
  WRITERS,
  type WriteOptions,
  type WriterName,
  writerNames,
} from './writers/writer.js';
