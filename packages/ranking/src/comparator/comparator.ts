import type { Answer, Prompt, Tool } from '@gram/base';

/** Two responses to one prompt. */
export interface ComparisonItem {
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  readonly a: Answer;
  readonly b: Answer;
  /** Names the item in errors. @default its position in the list, as in `item 3` */
  readonly id?: string;
}

/** The verdict of a reward model on two responses. */
export interface Comparison {
  /** Probability that `a` is preferred to `b`. */
  readonly probability: number;
  /**
   * Probability that `a` is preferred when it is shown first, and when it is shown second. Their mean is `probability`.
   * Undefined for a model that never sees both responses at once, and where only one order was judged.
   */
  readonly orders?: readonly [number, number];
  /**
   * Scores of `a` and of `b` as the paper of GRAM defines them, r(x, y) = (pi(first label | y first) + pi(second label | y second))
   * / 2, with the probabilities of the labels among all tokens. They sum to the probability of any label, which is at most 1.
   * Undefined for a model that was not asked for them.
   */
  readonly vocabularyScores?: readonly [number, number];
  /** Whether both orders prefer the same response; true where only one order was judged. */
  readonly consistent: boolean;
  /** Whether text was cut to fit the model. */
  readonly truncated: boolean;
  /** Whether markers of the judging prompt inside the texts were escaped. */
  readonly neutralized: boolean;
}

/** A response to a prompt. */
export interface ResponseItem {
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  readonly response: Answer;
  /** Names the item in errors. @default its position in the list, as in `item 3` */
  readonly id?: string;
}

/** The reward of one response. */
export interface ScoredResponse {
  /** Any real number. Only differences between responses to one prompt have a meaning. */
  readonly reward: number;
  /** Whether text was cut to fit the model. */
  readonly truncated: boolean;
  /** Whether text was escaped. */
  readonly neutralized: boolean;
}

/** Options of every call that runs a model. */
export interface RunOptions {
  /** Ends the call between two batches; the call then rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Receives, after each batch, the numbers of finished and of all comparisons (or responses, where these are scored). */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The part of a reward model from which everything else follows. Any object with `compare` is one. */
export interface Comparator {
  /** Compares the responses of each item and returns the results in the order of the items. */
  compare(items: readonly ComparisonItem[], options?: RunOptions): Promise<Comparison[]>;
}

/** Way in which a reward model judges: it reads both responses and answers with a label, or it scores each response alone. */
export type RewardModelKind = 'generative' | 'discriminative';

/** A comparator that ranks. Its kind, where it has one, tells the strategy `auto` what a comparison costs. */
export interface Judge extends Comparator {
  readonly kind?: RewardModelKind;
  /** Returns a reward of its own for each response, in the order of the items, where the model has such rewards. */
  rewards?(items: readonly ResponseItem[], options?: RunOptions): Promise<ScoredResponse[]>;
}
