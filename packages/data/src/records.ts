import type { Answer, Prompt, Tool } from '@gram/base';

/** A judged pair: somebody, or an oracle, preferred `chosen` to `rejected` as the answer to `prompt`. */
export interface PreferencePair {
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[];
  readonly chosen: Answer;
  readonly rejected: Answer;
  /** Amount by which the chosen response is better, 0 or more, where the data has it; for example a difference of ratings. */
  readonly margin?: number;
  /** Share of the pairs of one ranking that this one is, where weights are read: a prompt then weighs 1, whatever its responses. */
  readonly weight?: number;
  /** Kind of task or subset of a benchmark, for results by group. */
  readonly family?: string;
}

/** Two answers to one prompt without a judgment, which the first training stage of GRAM reads. */
export interface ResponsePair {
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[];
  readonly responses: readonly [Answer, Answer];
  /** Kind of task. */
  readonly family?: string;
}

/** An answer to a prompt that a policy imitates in supervised fine-tuning. */
export interface Demonstration {
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[];
  readonly response: Answer;
  /** Kind of task. */
  readonly family?: string;
}

/** A prompt that a policy answers. */
export interface PromptRecord {
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[];
  /** Kind of task. */
  readonly family?: string;
}

/** A prompt that a policy answers for a reward, with all that its record has to say about it. */
export interface RewardedPrompt extends PromptRecord {
  /** The answer of the record: the one to imitate, the chosen one of a pair, or the best of several. */
  readonly answer?: Answer;
  /** All fields of the record as the file has them. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Any number of answers to one prompt, for ranking and best-of-n. */
export interface ResponseList {
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[];
  readonly responses: readonly Answer[];
  /** One reward per response where a gold reward is known. */
  readonly rewards?: readonly number[];
  /** Kind of task. */
  readonly family?: string;
}

/** One answer to a prompt that somebody called good or bad, as KTO learns from. */
export interface LabeledResponse {
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[];
  readonly response: Answer;
  readonly isGood: boolean;
  /** Kind of task. */
  readonly family?: string;
}

/** A text without a prompt. */
export interface TextDocument {
  readonly id: string;
  readonly text: string;
}

/** A record whose prompt and responses are texts and no longer conversations. */
export type TextRecord<Kind> = {
  readonly [Field in keyof Kind]: Field extends 'prompt' | 'chosen' | 'rejected' | 'response'
    ? string
    : Field extends 'responses'
      ? Texts<Kind[Field]>
      : Kind[Field];
};

/** A list of texts, as long as another list. */
type Texts<List> = { readonly [Place in keyof List]: string };
