import type { Answer, Prompt } from '@gram/base';

/** One prompt of a benchmark with its responses, and which of them are better. */
export interface BenchmarkItem {
  /** Unique within the benchmark. */
  readonly id: string;
  /** Part of the benchmark for which results are reported. */
  readonly subset: string;
  readonly prompt: Prompt;
  /** Responses in the order of the file. */
  readonly responses: readonly Answer[];
  /** The comparisons that the benchmark needs, as positions of two different responses. */
  readonly pairs: readonly (readonly [number, number])[];
  /** The better response of each pair. It has no meaning beside `correctResponses` and is `first` there. */
  readonly preferred: 'first' | 'second' | 'tie';
  /** Number of correct responses where every pair of responses is compared; they come first. */
  readonly correctResponses?: number;
  /** Overlapping groups that the item belongs to, where the benchmark has such groups beside its subsets. */
  readonly tags?: readonly string[];
}

/** The only comparison of two responses. */
export const ONE_PAIR = [[0, 1]] as const;

/** Builds the item of a pair whose better response is known; the better one stands first. */
export function preferredPair(
  { id, subset, prompt }: Pick<BenchmarkItem, 'id' | 'subset' | 'prompt'>,
  chosen: string,
  rejected: string,
): BenchmarkItem {
  return { id, subset, prompt, responses: [chosen, rejected], pairs: ONE_PAIR, preferred: 'first' };
}
