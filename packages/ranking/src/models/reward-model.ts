import type { Answer, Prompt } from '@gram/base';
import { checkTexts } from '../comparator/check-texts.js';
import type { Comparator, Judge, RewardModelKind, RunOptions } from '../comparator/comparator.js';
import { rank, score } from '../ranking/rank.js';
import type { Ranking, RankOptions } from '../ranking/ranking.js';

/** A model that prefers one response to another. */
export interface RewardModel extends Comparator {
  /** Whether the model judges a pair by the next token or scores each response alone. */
  readonly kind: RewardModelKind;
  /** Memory that the weights take at the precision in which they are stored, in bytes. */
  readonly weightBytes: number;
  /** Ranks responses to one prompt, see `rank`. */
  rank(prompt: Prompt, responses: readonly Answer[], options?: RankOptions): Promise<Ranking>;
  /**
   * Returns the reward of a response relative to a reference response to the same prompt: the probability, between 0 and 1,
   * that the response is preferred. A pairwise model has no absolute scale.
   */
  score(prompt: Prompt, response: Answer, reference: Answer, options?: RunOptions): Promise<number>;
  /** Frees the native executables. The weights of the model remain as they are. */
  dispose(): void;
}

/**
 * Completes a comparator to a reward model: `rank` and `score` follow from `compare`. Items that are no texts or conversations
 * are refused with RewardError `bad-values` before the comparator sees any.
 *
 * @param comparator its `compare` must not depend on `this`; its `kind` is `'generative'` by default
 * @param rest the memory of the weights, 0 by default, and what to free
 */
export function rewardModelFromComparator(
  { kind = 'generative', compare }: Judge,
  { weightBytes = 0, dispose = () => {} }: Partial<Pick<RewardModel, 'weightBytes' | 'dispose'>> = {},
): RewardModel {
  return {
    kind,
    weightBytes,
    async compare(items, options) {
      checkTexts(items, ['prompt', 'a', 'b']);
      return compare(items, options);
    },
    rank: (prompt, responses, options) => rank({ kind, compare }, prompt, responses, options),
    score: (prompt, response, reference, options) =>
      score({ compare }, prompt, { response, reference }, options),
    dispose,
  };
}
