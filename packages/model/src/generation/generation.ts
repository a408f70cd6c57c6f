/** How the next token is chosen. Filters apply in the order temperature, top-k, top-p. */
export interface Decoding {
  /** Divides the logits; 0 takes the most likely token, the first of equals (greedy). @default 1 */
  readonly temperature?: number;
  /** Keeps the k most likely tokens; of equals, those with the lower ids. @default all */
  readonly topK?: number;
  /** Keeps the most likely tokens until their probabilities sum to at least this (nucleus), in (0, 1]. @default 1 */
  readonly topP?: number;
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
  /** New tokens; the stop token is the last one where the text ended by itself. */
  readonly ids: readonly number[];
  /**
   * log pi(token | everything before it) in nats of each new token, under the model itself: at temperature 1 and
   * without filters, whatever the decoding was.
   */
  readonly logProbabilities: readonly number[];
  /** Whether a stop token ended it, or the largest number of new tokens was reached. */
  readonly finished: 'stop' | 'length';
}

/** Options of `Generator.generate`. */
export interface GenerateOptions {
  /** The most new tokens of a completion, the stop token included. */
  readonly maxNewTokens: number;
  /** Tokens that end a completion. */
  readonly stopIds: readonly number[];
  /** Ends the call between two tokens; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called when completions end, with completions done and to do. */
  readonly onProgress?: (done: number, total: number) => void;
}
