export { type TrainBpeAsyncOptions, type TrainBpeOptions, trainBpe, trainBpeAsync } from './bpe/train-bpe.js';
export {
  type ChatMessage,
  type ChatTemplate,
  type ChatTemplateOptions,
  createChatTemplate,
  type RenderOptions,
  type Segment,
} from './chat/chat-template.js';
export { encodeChat, encodeSegments } from './chat/encode-chat.js';
export type { TemplateValue } from './chat/jinja.js';
export type { Outline, Slot } from './chat/placeholders.js';
export {
  type ChatFiles,
  findChatTemplate,
  readChatTemplate,
  type TemplateSource,
} from './chat/read-chat-template.js';
export {
  chatLayoutFromTemplate,
  chatLayoutOf,
  loadChatLayout,
  type TemplateLayoutOptions,
} from './chat/template-layout.js';
export {
  type ChatEncoder,
  type ChatEncoderOptions,
  createChatEncoder,
  type Encoded,
  type EncodedPair,
  type EncodedTurn,
  type PromptToEncode,
} from './encode/chat-encoder.js';
export { type NeutralText, neutralizeMarkers, restoreMarkers } from './encode/markers.js';
export {
  createPairEncoder,
  type EncodedComparison,
  type PairEncoder,
  type PairEncoderOptions,
} from './encode/pair-encoder.js';
export type { Overlong } from './encode/template.js';
export { TokenizeError, type TokenizeErrorCode } from './error.js';
export { loadTokenizer, type Tokenizer, tokenizerFromJson, tokenizerOf } from './library.js';
export { type ChatLayout, plainChat } from './prompts/chat-layout.js';
export { type Block, type JudgePrompt, judgePrompt, judgePrompts } from './prompts/judge-prompt.js';
export { judgePromptFromText } from './prompts/judge-prompt-text.js';
export { parseJudgePrompt } from './prompts/parse-judge-prompt.js';
export { readJudgePrompt, storedJudgePrompt } from './prompts/read-judge-prompt.js';
export type { Trim, Trims } from './prompts/trim.js';
export { createTextStream, type TextStream } from './text-stream.js';
