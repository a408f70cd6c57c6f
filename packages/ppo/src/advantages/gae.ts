/** Constants of `gae`. */
export interface GaeOptions {
  /** Weight of a reward one token later. The paper's gamma is something else: a scale of the reward. */
  readonly discount: number;
  /** 0 trusts the values alone, 1 the rewards alone. */
  readonly lambda: number;
}

/**
 * Generalised advantage estimation (Schulman et al. 2016, equation 16) over one response:
 *
 *     delta_t = r_t + discount V_(t+1) - V_t        A_t = delta_t + discount lambda A_(t+1)
 *
 * The value after the last token is 0: an ended or cut response earns nothing more.
 *
 * @param rewards one for each token
 * @param values V_t, the value of the state before token t
 * @returns advantages, and the returns A_t + V_t that the value model is to learn
 */
export function gae(
  rewards: readonly number[],
  values: readonly number[],
  { discount, lambda }: GaeOptions,
): { advantages: number[]; returns: number[] } {
  const advantages = new Array<number>(rewards.length);
  let next = { value: 0, advantage: 0 };
  for (let t = rewards.length - 1; t >= 0; t--) {
    const delta = rewards[t]! + discount * next.value - values[t]!;
    const advantage = delta + discount * lambda * next.advantage;
    advantages[t] = advantage;
    next = { value: values[t]!, advantage };
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]!) };
}
