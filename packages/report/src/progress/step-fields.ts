import { formatBytes, formatRate } from '../text/format.js';

/** Numbers of a training step that are shown. */
export interface ShownStep {
  /** Numbers by name, the most needed first. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Tokens that are trained on in a second; not finite where that is not known. */
  readonly tokensPerSecond: number;
  /** Memory of the process, in bytes. */
  readonly memoryBytes: number;
}

/** The fields of a step for `Progress.update`: its numbers, tokens a second where they are known, memory. */
export function stepFields(step: ShownStep): Record<string, string | number> {
  const { numbers, tokensPerSecond, memoryBytes } = step;
  return {
    ...numbers,
    ...(Number.isFinite(tokensPerSecond) ? { speed: formatRate(tokensPerSecond, 'tokens') } : {}),
    memory: formatBytes(memoryBytes),
  };
}
