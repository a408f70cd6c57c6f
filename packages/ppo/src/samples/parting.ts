/** Rewards of a policy on validation prompts. */
export interface MeasuredRewards {
  readonly step: number;
  /** Mean of the reward that is learned from. */
  readonly reward: number;
  readonly heldOut?: number | undefined;
}

/**
 * Finds the step where the reward that is learned from and the held-out one part: the held-out one is at its best there, and afterwards
 * the other rises above what it was while the held-out one stays below. Such a reward is being exploited.
 *
 * @returns undefined where they do not part, or nothing is held out
 */
export function partingStep(evaluations: readonly MeasuredRewards[]): number | undefined {
  const measured = evaluations.flatMap(({ step, reward, heldOut }) =>
    heldOut === undefined ? [] : [{ step, reward, heldOut }],
  );
  const [first, ...others] = measured;
  if (first === undefined) return undefined;
  const best = others.reduce((most, each) => (each.heldOut > most.heldOut ? each : most), first);
  const after = measured.filter(({ step }) => step > best.step);
  const last = after.at(-1);
  if (last === undefined || last.heldOut >= best.heldOut) return undefined;
  return after.some(({ reward }) => reward > best.reward) ? best.step : undefined;
}

/** Says what it means that two rewards parted after a step. */
export function partingText(step: number): string {
  return `after step ${step} the reward went on to rise while the held-out one fell, which is what a reward that is exploited looks like`;
}
