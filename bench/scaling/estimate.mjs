/**
 * Estimates what a step takes when n processes sum their gradients in host memory.
 *
 * A ring moves `2 (n - 1) / n` times the size of the gradients past every process (Patarasuk and Yuan 2009); reduce-scatter
 * and all-gather of ZeRO-1 together move the same. Gradients on an accelerator are copied to the host and back. Nothing
 * overlaps, as here.
 *
 * @param seconds of one step of one process, measured
 * @param trained parameters that are trained, 4 bytes each
 * @param links bytes a second: `sum` of the summing, `copy` between accelerator and host for each process
 */
export function expectedScaling({ seconds, trained, processes: n, links }) {
  const bytes = 4 * trained;
  const sum = ((2 * (n - 1)) / n) * (bytes / links.sum);
  const copy = links.copy === undefined || n === 1 ? 0 : (2 * bytes) / links.copy;
  return { sum, copy, efficiency: seconds / (seconds + sum + copy) };
}

/**
 * Estimates the bytes of weights, gradients and moments of AdamW, all in float32, for each process; activations come on
 * top.
 *
 * @param trained of an adapter; the model under it has neither gradients nor moments
 */
export function stateBytes({ parameters, trained = parameters, processes = 1, sharding = 'none' }) {
  const moments = (8 * trained) / (sharding === 'zero1' ? processes : 1);
  const adapter = trained === parameters ? 0 : 4 * trained;
  return 4 * parameters + adapter + 4 * trained + moments;
}
