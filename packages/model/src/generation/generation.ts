/** Settings that choose the next token, in the order of transformers: repetition penalty, temperature, top-k, top-p, min-p. */
export interface Decoding {
  /**
   * Makes tokens of the prompt and of the completion so far less likely: their logits are divided by it where positive
   * and multiplied by it where negative (Keskar et al. 2019). Also for greedy decoding. Above 0; below 1 it makes them
   * more likely. @default 1
   */
  readonly repetitionPenalty?: number;
  /** Divides the logits; 0 takes the most likely token, the first of equals (greedy). @default 1 */
  readonly temperature?: number;
  /** Keeps the k most likely tokens; of equals, those with the lower ids. @default all */
  readonly topK?: number;
  /** Keeps the most likely tokens until their probabilities sum to at least this (nucleus), in (0, 1]. @default 1 */
  readonly topP?: number;
  /** Keeps tokens that are at least this many times as likely as the most likely one, in [0, 1]. @default 0 */
  readonly minP?: number;
  /**
   * Stream of this completion: one number in [0, 1) a token. With a stream of its own, a completion does not depend on
   * what else is generated beside it. Needed unless `temperature` is 0.
   */
  readonly random?: { uniform(): number };
}

/** One prompt and the completions wanted of it. The prompt is computed once for all of them. */
export interface GenerationRequest {
  /** Token ids of the prompt, at least one. */
  readonly ids: readonly number[];
  /** One completion for each. */
  readonly decodings: readonly Decoding[];
}

/** A generated continuation. */
export interface Completion {
  /** New tokens, with those that ended it: a stop token, or the tokens that hold a stop string. */
  readonly ids: readonly number[];
  /**
   * log pi(token | everything before it) in nats of each new token, under the model itself: at temperature 1 and
   * without penalty and filters, whatever the decoding was.
   */
  readonly logProbabilities: readonly number[];
  /** Whether a stop token or a stop string ended it, or the largest number of new tokens was reached. */
  readonly finished: 'stop' | 'length';
}

/** Strings that end a completion, and the tokenizer's way from tokens to text. */
export interface StopText {
  /** None of them empty. */
  readonly strings: readonly string[];
  /**
   * The text of tokens, which need not start at the first one of a completion. Called a few times for each new token
   * with a tail of the completion. What it throws ends the call.
   */
  decode(ids: readonly number[]): string | Promise<string>;
}

/** A token that was chosen. */
export interface TokenEvent {
  /** Place of the request in the list. */
  readonly request: number;
  /** Place of the completion in its request. */
  readonly completion: number;
  readonly token: number;
  /** See `Completion.logProbabilities`. */
  readonly logProbability: number;
}

/** Options of `Generator.generate`. */
export interface GenerateOptions {
  /** The most new tokens of a completion, those that end it included. */
  readonly maxNewTokens: number;
  /** Tokens that end a completion. */
  readonly stopIds: readonly number[];
  /**
   * Ends a completion with the first token after which its text, without the prompt, contains one of the strings. Its
   * ids still hold the string, and what the last token has after it: the caller cuts the text. @default none
   */
  readonly stopText?: StopText;
  /**
   * Called for every new token as it is chosen: those of a completion in their order, by turns with those of the
   * completions that grow beside it. What it throws ends the call.
   */
  readonly onToken?: (event: TokenEvent) => void;
  /** Ends the call between two tokens; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called when completions end, with completions done and to do. */
  readonly onProgress?: (done: number, total: number) => void;
}
