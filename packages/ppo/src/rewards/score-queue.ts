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
 * join the queue, and its oldest leave.
 *
 * @param capacity largest number of scores that the queue keeps
 */
export function standardize(
  queue: ScoreQueue,
  scores: readonly number[],
  capacity: number,
): { standardized: number[]; queue: ScoreQueue } {
  const varied = queue.some((score) => score !== queue[0]);
  const known = varied && queue.length >= scores.length ? queue : scores;
  const mean = known.reduce((sum, score) => sum + score, 0) / known.length;
  const variance = known.reduce((sum, score) => sum + (score - mean) ** 2, 0) / known.length;
  const deviation = Math.sqrt(variance) + EPSILON;
  return {
    standardized: scores.map((score) => (score - mean) / deviation),
    queue: [...queue, ...scores].slice(-capacity),
  };
}
