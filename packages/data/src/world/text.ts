/** Lower-case words and numbers of a text, punctuation dropped. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** Sentences of a text, each without its final stop; parts without a word are dropped. */
export function sentencesOf(text: string): string[] {
  return text.split(/[.!?\n]+/).filter((sentence) => /[a-z0-9]/i.test(sentence));
}

/** Length of the longest common subsequence of two word lists. */
export function commonSubsequence(left: readonly string[], right: readonly string[]): number {
  let row = new Array<number>(right.length + 1).fill(0);
  for (const word of left) {
    const next = [0];
    for (let column = 1; column <= right.length; column++) {
      const match = word === right[column - 1] ? (row[column - 1] as number) + 1 : 0;
      next.push(Math.max(match, row[column] as number, next[column - 1] as number));
    }
    row = next;
  }
  return row[right.length] as number;
}
