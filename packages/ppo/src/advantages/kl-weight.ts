/** Largest relative error that the controller reacts to. */
const MAX_ERROR = 0.2;

/** Constants of `adaptedKlWeight`. */
export interface KlControl {
  /** KL of a response that is aimed at, in nats. */
  readonly target: number;
  /** Responses over which an error of 1 would double the weight. */
  readonly horizon: number;
}

/**
 * Adapts the weight of the KL after a step (Ziegler et al. 2019, section 2.2):
 *
 *     e = clip((kl - target) / target, -0.2, 0.2)        weight' = weight (1 + e responses / horizon)
 *
 * @param weight of the step
 * @param measured mean KL of a response of the step, in nats, and the number of its responses
 */
export function adaptedKlWeight(
  weight: number,
  { kl, responses }: { readonly kl: number; readonly responses: number },
  { target, horizon }: KlControl,
): number {
  const error = Math.min(MAX_ERROR, Math.max(-MAX_ERROR, (kl - target) / target));
  return weight * (1 + (error * responses) / horizon);
}
