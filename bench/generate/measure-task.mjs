/**
 * Measures prefill and decoding of a task with one way to generate.
 *
 * @param generate gives `ids`, the tokens of the first row, and `times`, the seconds at which each was chosen, of a prompt, a number of
 *   rows and a number of tokens
 * @returns tokens a second of prefill and of each decoding by its name, and the `ids` of the first decoding
 */
export async function measureTask(generate, { prefill, decodes, newTokens, steps }) {
  const firsts = [];
  for (let i = 0; i <= steps; i++) firsts.push((await generate(prefill, 1, 1)).times[0]);
  const figures = { prefill: prefill.length / Math.min(...firsts.slice(1)) };
  let ids;
  for (const { name, rows, prompt } of decodes) {
    const run = await generate(prompt, rows, newTokens);
    ids ??= run.ids;
    figures[name] = rows / medianStep(run.times);
  }
  return { ...figures, ids };
}

/** Gives the median time between two tokens. The first step is left out: it may prepare what the others use. */
function medianStep(times) {
  const steps = times.slice(2).map((time, i) => time - times[i + 1]);
  return steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)];
}
