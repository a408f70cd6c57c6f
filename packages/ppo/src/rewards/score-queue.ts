const EPSILON = 1e-6;

/** Scores of earlier steps, the oldest first. */
export type ScoreQueue = readonly number[];

/**
 * Standardizes scores with the mean and the (population) standard deviation of earlier ones:
 *
 *     z = (score - mean) / (std + 1e-6)
 *
 * The paper keeps a queue of the previous 1,000 scores and leaves the start open. Our choice: while the queue holds
 * fewer scores than there are new ones, or only equal ones, the new ones are standardized by themselves. Afterwards they
 * join the queue, and its oldest leave. A response without a reward has no part in any of it and stays null.
 *
 * @param scores null where there is no reward
 * @param capacity largest number of scores that the queue keeps
 */
export function standardize<Score extends number | null>(
  queue: ScoreQueue,
  scores: readonly Score[],
  capacity: number,
): { standardized: Score[]; queue: ScoreQueue } {
  const given = scores.filter((score) => score !== null);
  const varied = queue.some((score) => score !== queue[0]);
  const known = varied && queue.length >= given.length ? queue : given;
  const mean = known.reduce((sum, score) => sum + score, 0) / known.length;
  const variance = known.reduce((sum, score) => sum + (score - mean) ** 2, 0) / known.length;
  const deviation = Math.sqrt(variance) + EPSILON;
  return {
    // Null stays null, and a number becomes a number.
    standardized: scores.map((score) => (score === null ? score : (score - mean) / deviation) as Score),
    queue: [...queue, ...given].slice(-capacity),
  };
}
