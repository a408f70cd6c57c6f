export {
  type Answer,
  answerTurns,
  conversationKey,
  conversationText,
  type Prompt,
  plainAnswer,
  plainPrompt,
  promptTurns,
  type Tool,
  type ToolCall,
  type Turn,
  turnText,
} from './conversation/conversation.js';
export { type RefuseValue, readTurns } from './conversation/read-turns.js';
export { BaseError, GramError } from './error.js';
export {
  checkReplaceable,
  checkWritable,
  type FileName,
  oldDirectory,
  placeAtomic,
  removeLeftovers,
  writeDirectoryAtomic,
  writeFileAtomic,
  writeStreamAtomic,
} from './files/atomic.js';
export { canonicalJson, sha256, sha256OfFile, sha256OfParts, sha256OfValue } from './files/hash.js';
export {
  ownProcess,
  type ProcessIdentity,
  type ProcessState,
  processState,
  processTag,
  tagState,
} from './files/process-identity.js';
export { isMissing, systemCode } from './files/system-error.js';
export {
  checkMemory,
  isOutOfMemory,
  type MemoryBound,
  type MemoryNeed,
  memoryBound,
  withinMemory,
} from './memory/memory.js';
export { bootstrapInterval, type Interval, pairedBootstrap } from './statistics/bootstrap.js';
export { mean, meanOrNull } from './statistics/mean.js';
export { createRandom, type Random } from './statistics/random.js';
export { differences, meanOverSeeds, meanOverSeedsAndItems, type SeedMean } from './statistics/seeds.js';
export { describeIssues, issueMessage, issuePath, type SchemaIssue } from './text/issues.js';
export { KeySet } from './text/key-set.js';
export { formatPercent, formatPercentRange } from './text/percent.js';
export { printable, printableLines } from './text/printable.js';
export { quote } from './text/quote.js';
export { mapOrdered } from './threads/map-ordered.js';
export { type Served, serveWork } from './threads/serve-work.js';
export { type SharedWork, type ShareOptions, shareWork } from './threads/share-work.js';
export { threadCount } from './threads/thread-count.js';
export { wait } from './wait.js';
export { zip } from './zip.js';
