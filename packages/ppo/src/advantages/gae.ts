import { zip } from '@gram/base';

/** Constants of `gae`. */
export interface GaeOptions {
  /** Weight of a reward one token later. The paper's gamma is something else: a scale of the reward. */
  readonly discount: number;
  /** 0 trusts the values alone, 1 the rewards alone. */
  readonly lambda: number;
}

/**
 * Computes the generalized advantage estimate (Schulman et al. 2016, equation 16) over one response:
 *
 *     delta_t = r_t + discount V_(t+1) - V_t        A_t = delta_t + discount lambda A_(t+1)
 *
 * The value after the last token is 0: an ended or truncated response earns nothing more.
 *
 * @param rewards one for each token
 * @param values V_t, the value of the state before token t
 * @returns advantages, and the returns A_t + V_t that the value model learns
 *
 * @example
 * ```ts
 * gae([0, 1], [0.5, 0.5], { discount: 1, lambda: 1 }); // { advantages: [0.5, 0.5], returns: [1, 1] }
 * ```
 */
export function gae(
  rewards: readonly number[],
  values: readonly number[],
  { discount, lambda }: GaeOptions,
): { advantages: number[]; returns: number[] } {
  let next = { value: 0, advantage: 0 };
  const steps = zip(rewards, values)
    .reverse()
    .map(([reward, value]) => {
      const delta = reward + discount * next.value - value;
      next = { value, advantage: delta + discount * lambda * next.advantage };
      return next;
    })
    .reverse();
  return {
    advantages: steps.map(({ advantage }) => advantage),
    returns: steps.map(({ advantage, value }) => advantage + value),
  };
}
