/** A judged pair: somebody (or an oracle) preferred `chosen` to `rejected` as the answer to `prompt`. */
export interface PreferencePair {
  readonly id: string;
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
  /** By how much the chosen response is better, 0 or more, where the data says it: the difference of two ratings, say. */
  readonly margin?: number;
  /** Kind of task or subset of a benchmark, for results by group. */
  readonly family?: string;
}

/** Two answers to one prompt without a judgement: what the first training stage of GRAM reads. */
export interface ResponsePair {
  readonly id: string;
  readonly prompt: string;
  readonly responses: readonly [string, string];
  readonly family?: string;
}

/** One answer to a prompt, to be imitated: what supervised fine-tuning of a policy reads. */
export interface Demonstration {
  readonly id: string;
  readonly prompt: string;
  readonly response: string;
  readonly family?: string;
}

/** A prompt that a policy is to answer. */
export interface PromptRecord {
  readonly id: string;
  readonly prompt: string;
  readonly family?: string;
}

/** Any number of answers to one prompt, for ranking and best-of-n. */
export interface ResponseList {
  readonly id: string;
  readonly prompt: string;
  readonly responses: readonly string[];
  /** One reward per response where a gold reward is known. */
  readonly rewards?: readonly number[];
  readonly family?: string;
}
