import { formatBytes, formatRate } from '../text/format.js';

/** Numbers of a training step that are shown. */
export interface ShownStep {
  readonly loss: number;
  /** Share of the examples of the step that the model has right. @default not shown */
  readonly accuracy?: number;
  /** Tokens that are trained on in a second; not finite where that is not known. */
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
