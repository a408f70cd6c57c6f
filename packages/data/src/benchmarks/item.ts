/** What a benchmark asks about one prompt: which of its responses is better. */
export interface BenchmarkItem {
  /** Unique within the benchmark. */
  readonly id: string;
  /** Part of the benchmark that results are reported for. */
  readonly subset: string;
  readonly prompt: string;
  /** In the order of the file. */
  readonly responses: readonly string[];
  /** The comparisons that the benchmark needs, as places of two different responses. */
  readonly pairs: readonly (readonly [number, number])[];
  /** Which response of each pair is better. With `correctResponses` it has no meaning and is `first`. */
  readonly preferred: 'first' | 'second' | 'tie';
  /** RewardBench 2: how many responses are correct; they come first, and every pair of responses is compared. */
  readonly correctResponses?: number;
}

/** The one comparison of two responses. */
export const onePair = [[0, 1]] as const;

/** The two responses of a pair, the better one first. */
export function preferredPair(
  id: string,
  subset: string,
  prompt: string,
  chosen: string,
  rejected: string,
): BenchmarkItem {
  return { id, subset, prompt, responses: [chosen, rejected], pairs: onePair, preferred: 'first' };
}
