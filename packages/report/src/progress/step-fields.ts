import { formatBytes, formatRate } from '../text/format.js';

/** Numbers of a training step that are shown. */
export interface ShownStep {
  readonly loss: number;
  /** A share, where there is one. */
  readonly accuracy?: number;
  /** Not finite where it is not known. */
  readonly tokensPerSecond: number;
  /** Memory of the process, in bytes. */
  readonly memoryBytes: number;
}

/**
 * The fields of a training step for `Progress.update`, the most needed first: loss, accuracy where there is one, tokens a
 * second where they are known, memory.
 */
export function stepFields(step: ShownStep): Record<string, string | number> {
  const { loss, accuracy, tokensPerSecond, memoryBytes } = step;
  return {
    loss,
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(Number.isFinite(tokensPerSecond) ? { speed: formatRate(tokensPerSecond, 'tokens') } : {}),
    memory: formatBytes(memoryBytes),
  };
}
