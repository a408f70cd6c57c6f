/** Gives the median time between two tokens. The first step is left out: it may prepare what the others use. */
export function medianStep(times) {
  const steps = times.slice(2).map((time, i) => time - times[i + 1]);
  return steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)];
}
