/** The scale that a run begins with, and what it never leaves. */
const [first, most] = [2 ** 16, 2 ** 24];

/** Finite steps in a row after which the scale is tried twice as large. */
const patience = 1000;

/** Numbers of a step that was taken. */
interface Taken {
  readonly loss: number;
  readonly gradientNorm: number;
}

/**
 * Gives the factor on the loss, so that small gradients do not vanish in float16 (Micikevicius et al. 2018): it is
 * halved, but not below 1, after a step whose gradient overflowed, and doubled after 1000 finite ones in a row.
 *
 * @param history the steps before this one: a resumed run goes on with the scale that it had
 */
export function lossScaleAfter(history: readonly Taken[]): number {
  let [scale, finite] = [first, 0];
  for (const step of history) {
    finite = wasFinite(step) ? finite + 1 : 0;
    if (finite === 0) scale = Math.max(1, scale / 2);
    else if (finite % patience === 0) scale = Math.min(most, scale * 2);
  }
  return scale;
}

/** Whether loss and gradient of a step were finite; what is not is null in a file. */
function wasFinite({ loss, gradientNorm }: Taken): boolean {
  return Number.isFinite(loss) && Number.isFinite(gradientNorm);
}
