/** Returns the words and numbers of a text in lower case, without punctuation. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** Returns the sentences of a text, each without its final stop; parts without a word are dropped. */
export function sentencesOf(text: string): string[] {
  return text.split(/[.!?\n]+/).filter((sentence) => /[a-z0-9]/i.test(sentence));
}

/** Computes the length of the longest common subsequence of two lists of words. */
export function commonSubsequence(left: readonly string[], right: readonly string[]): number {
  // lengths[i] is the length for the words of `left` so far and the first i + 1 words of `right`.
  let lengths = right.map(() => 0);
  for (const word of left) {
    let diagonal = 0;
    let before = 0;
    lengths = lengths.map((above, column) => {
      before = word === right[column] ? Math.max(diagonal + 1, above, before) : Math.max(above, before);
      diagonal = above;
      return before;
    });
  }
  return lengths.at(-1) ?? 0;
}
