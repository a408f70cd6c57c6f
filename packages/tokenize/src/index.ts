export { type TrainBpeAsyncOptions, type TrainBpeOptions, trainBpe, trainBpeAsync } from './bpe/train-bpe.js';
export { type ChatLayout, plainChat } from './chat/chat-layout.js';
export {
  type ChatTemplate,
  type ChatTemplateOptions,
  type ConversationOutline,
  createChatTemplate,
  type RenderOptions,
} from './chat/chat-template.js';
export type { ConversationText } from './chat/conversation-texts.js';
export { encodeChat } from './chat/encode-chat.js';
export {
  createRenderedReader,
  type RenderedConversation,
  type RenderedReader,
} from './chat/parse-rendered.js';
export type { Outline, Slot } from './chat/placeholders.js';
export {
  type ChatFiles,
  findChatTemplate,
  readChatTemplate,
  type TemplateSource,
} from './chat/read-chat-template.js';
export type { TemplateValue } from './chat/rendering/jinja.js';
export { prepareRendering } from './chat/rendering/process.js';
export {
  chatLayoutFromTemplate,
  chatLayoutOf,
  loadChatLayout,
  type TemplateLayoutOptions,
} from './chat/template-layout.js';
export { patternProblem } from './checks/pattern.js';
export { type PatternCost, patternCost } from './checks/pattern-cost.js';
export {
  createTokenCounter,
  type TokenCounter,
  type TokenCounterOptions,
} from './counting/token-counter.js';
export {
  type ChatEncoder,
  type ChatEncoderOptions,
  createChatEncoder,
  type Encoded,
  type EncodedPair,
  type EncodedTurn,
  encodingOf,
  type PromptToEncode,
  type ResponsesToEncode,
} from './encode/chat-encoder.js';
export type { Encoding } from './encode/encode-form.js';
export type { Overlong } from './encode/fill.js';
export { type NeutralText, neutralizeMarkers, restoreMarkers } from './encode/markers.js';
export { createPairEncoder, type PairEncoder, type PairEncoderOptions } from './encode/pair-encoder.js';
export { TokenizeError, type TokenizeErrorCode } from './error.js';
export {
  loadTokenizer,
  type Segment,
  type Span,
  type Tokenizer,
  tokenizerFromJson,
  tokenizerOf,
} from './library.js';
export { type Block, type JudgePrompt, judgePrompt, judgePrompts } from './prompts/judge-prompt.js';
export { judgePromptFromText } from './prompts/judge-prompt-text.js';
export { parseJudgePrompt } from './prompts/parse-judge-prompt.js';
export { readJudgePrompt, storedJudgePrompt } from './prompts/read-judge-prompt.js';
export type { Trim, Trims } from './prompts/trim.js';
export { createTextStream, type TextStream } from './text-stream.js';
