export { type TrainBpeOptions, trainBpe } from './bpe/train-bpe.js';
export {
  type ChatEncoder,
  type ChatEncoderOptions,
  createChatEncoder,
  type Encoded,
  type EncodedTurn,
} from './encode/chat-encoder.js';
export { type NeutralText, neutraliseMarkers, restoreMarkers } from './encode/markers.js';
export {
  createPairEncoder,
  type EncodedComparison,
  type PairEncoder,
  type PairEncoderOptions,
} from './encode/pair-encoder.js';
export type { Overlong } from './encode/template.js';
export { TokenizeError } from './error.js';
export { loadTokenizer, type Tokenizer, tokenizerFromJson } from './library.js';
export { type ChatLayout, plainChat } from './prompts/chat-layout.js';
export { type Block, type JudgePrompt, judgePrompt, judgePrompts } from './prompts/judge-prompt.js';
