import type { FailurePolicy } from './patience.js';
import type { RewardFunction } from './reward.js';

/** One reward of several that a policy learns from or is watched by. */
export interface NamedReward {
  /** Names it in records, charts and errors; letters, digits, `-` and `_`. */
  readonly name: string;
  readonly reward: RewardFunction;
  /** Factor in the sum that the policy learns from; 0 makes it a monitor, which is only recorded. @default 1 */
  readonly weight?: number;
  /** Treatment of a reward function that fails. @default it is asked once, and the run stops */
  readonly failures?: Partial<FailurePolicy>;
}
