import type { PromptRecord, RewardedPrompt } from '@gram/data';

/** A prompt of a run, with what its record has beside it for reward functions. */
export type RunPrompt = PromptRecord & Partial<Pick<RewardedPrompt, 'answer' | 'fields'>>;

/** Ends of a response, beside the token that ends a turn. */
export interface StopConditions {
  /** Tokens. @default none */
  readonly ids?: readonly number[];
  /** Texts, which stay a part of the response. @default none */
  readonly strings?: readonly string[];
}
