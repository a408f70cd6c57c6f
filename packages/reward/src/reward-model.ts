import type { Ranking, RankOptions } from './ranking/ranking.js';

/** Two responses to one prompt. */
export interface ComparisonItem {
  readonly prompt: string;
  readonly a: string;
  readonly b: string;
  /** Names the item in errors. @default its place in the list, as in `item 3` */
  readonly id?: string;
}

/** What a reward model says about two responses. */
export interface Comparison {
  /** Probability that `a` is preferred to `b`. */
  readonly probability: number;
  /**
   * Probability that `a` is preferred when it is shown first, and when it is shown second. Their mean is
   * `probability`. Undefined for a model that never sees both responses at once, and where one order was judged only.
   */
  readonly orders?: readonly [number, number];
  /** Whether both orders prefer the same response; true where there is one only. */
  readonly consistent: boolean;
  /** Whether text was cut to fit the model. */
  readonly truncated: boolean;
  /** Whether markers of the judging prompt inside the texts were escaped. */
  readonly neutralised: boolean;
}

/** Options of every call that runs a model. */
export interface RunOptions {
  /** Ends the call between two batches; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each batch, with comparisons (or responses, where these are scored) done and to do. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The part of a reward model from which everything else follows. A plain function will do as well. */
export interface Comparator {
  /** Compares the responses of each item. Results are in the order of the items. */
  compare(items: readonly ComparisonItem[], options?: RunOptions): Promise<Comparison[]>;
}

/** A model that prefers one response to another. */
export interface RewardModel extends Comparator {
  /** Judges a pair by the next token, or scores one response. */
  readonly kind: 'generative' | 'discriminative';
  /** Memory of the weights at the precision at which they are used, in bytes. */
  readonly weightBytes: number;
  /** Ranks responses to one prompt, see `rank`. */
  rank(prompt: string, responses: readonly string[], options?: RankOptions): Promise<Ranking>;
  /**
   * The reward of a response against a reference response to the same prompt: the probability, between 0 and 1,
   * that it is preferred. A pairwise model has no absolute scale.
   */
  score(prompt: string, response: string, reference: string, options?: RunOptions): Promise<number>;
  /** Frees the native executables. The model's weights are not touched. */
  dispose(): void;
}
