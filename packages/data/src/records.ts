/** A judged pair: somebody, or an oracle, preferred `chosen` to `rejected` as the answer to `prompt`. */
export interface PreferencePair {
  readonly id: string;
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
  /** Amount by which the chosen response is better, 0 or more, where the data has it; for example a difference of ratings. */
  readonly margin?: number;
  /** Kind of task or subset of a benchmark, for results by group. */
  readonly family?: string;
}

/** Two answers to one prompt without a judgment, which the first training stage of GRAM reads. */
export interface ResponsePair {
  readonly id: string;
  readonly prompt: string;
  readonly responses: readonly [string, string];
  /** Kind of task. */
  readonly family?: string;
}

/** An answer to a prompt that a policy imitates in supervised fine-tuning. */
export interface Demonstration {
  readonly id: string;
  readonly prompt: string;
  readonly response: string;
  /** Kind of task. */
  readonly family?: string;
}

/** A prompt that a policy answers. */
export interface PromptRecord {
  readonly id: string;
  readonly prompt: string;
  /** Kind of task. */
  readonly family?: string;
}

/** Any number of answers to one prompt, for ranking and best-of-n. */
export interface ResponseList {
  readonly id: string;
  readonly prompt: string;
  readonly responses: readonly string[];
  /** One reward per response where a gold reward is known. */
  readonly rewards?: readonly number[];
  /** Kind of task. */
  readonly family?: string;
}
