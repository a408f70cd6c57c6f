import { distance } from 'fastest-levenshtein';

/** Share of the letters of the longer word that may differ in a word that was mistyped. */
const LARGEST_SHARE = 0.5;

/**
 * Finds the candidate that a mistyped word was probably meant to be: one that starts the word or that the word starts, or
 * else the one with the fewest edits, if these are at most half of the letters of the longer word.
 *
 * @returns undefined where no candidate is that near
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const started = candidates.find(
    (candidate) => word.length > 1 && (candidate.startsWith(word) || word.startsWith(candidate)),
  );
  if (started !== undefined) return started;
  let best: string | undefined;
  let fewest = Infinity;
  for (const candidate of candidates) {
    const edits = distance(word, candidate);
    if (edits >= fewest || edits > LARGEST_SHARE * Math.max(word.length, candidate.length)) continue;
    best = candidate;
    fewest = edits;
  }
  return best;
}
