import { GramError } from '@gram/base';

/** Code of a `RewardError`: the kind of problem while responses are judged, ranked or scored. */
export type RewardErrorCode =
  | 'bad-option'
  | 'bad-results'
  | 'bad-values'
  | 'model-mismatch'
  | 'no-judge-prompt'
  | 'no-pairs'
  | 'not-a-reward-model'
  | 'not-finite'
  | 'other-run'
  | 'remote-failed'
  | 'too-few-responses'
  | 'too-long'
  | 'unwritable';

/** An error of `@gram/ranking` or of `@gram/reward`, which have the same reward models and therefore the same errors. */
export class RewardError extends GramError<RewardErrorCode> {
  override readonly name = 'RewardError';
}
