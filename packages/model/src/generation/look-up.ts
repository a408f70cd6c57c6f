/** Number of tokens at the end of a text that have to occur earlier in it. */
const CONTEXT = 3;
/**
 * Number of guesses that have to come true before a draft is made. The function that checks drafts is compiled first, which takes
 * about as long as so many tokens.
 */
const TRIAL = 16;
const SHORTEST = 2;
/** Reading more rows than these no longer takes the time of reading the weights. */
const LONGEST = 16;

/** Guesses how a text goes on by what followed its last tokens before. */
export interface LookUp {
  /** Takes up the tokens that were added to the text. */
  follow(ids: readonly number[]): void;
  /** The next tokens as the text itself suggests them, at most so many; none where it does not, or has not proved itself. */
  draft(most: number): readonly number[];
  /** Learns how many tokens of a draft were right: more are drafted after one that was wholly right, and fewer after others. */
  judge(drafted: number, right: number): void;
}

/**
 * Makes drafts by prompt look-up: the last tokens are sought in the text, and what followed them is the draft. It costs nothing but
 * a table of places, and is right where an answer quotes its prompt, edits it or repeats itself.
 *
 * Source: https://github.com/apoorvumang/prompt-lookup-decoding
 *
 * @param prompt tokens before those that `follow` adds
 */
export function createLookUp(prompt: readonly number[]): LookUp {
  const text: number[] = [];
  /** The place after each sequence of tokens, where it occurred last. */
  const places = new Map<string, number>();
  let place: number | undefined;
  let proved = 0;
  let length = SHORTEST;
  let known = 0;
  const add = (token: number) => {
    if (place !== undefined && text[place] === token) proved++;
    text.push(token);
    if (text.length < CONTEXT) return;
    const key = text.slice(-CONTEXT).join();
    place = places.get(key);
    places.set(key, text.length);
  };
  for (const token of prompt) add(token);
  // Only what the model wrote tells whether it repeats the text.
  proved = 0;
  return {
    follow(ids) {
      for (; known < ids.length; known++) add(ids[known] ?? 0);
    },
    draft(most) {
      if (place === undefined || proved < TRIAL) return [];
      const period = text.length - place;
      const start = place;
      // A draft that is longer than the distance to the earlier occurrence repeats its own tokens.
      return Array.from({ length: Math.min(length, most) }, (_, i) => text[start + (i % period)] ?? 0);
    },
    judge(drafted, right) {
      length = right === drafted ? Math.min(LONGEST, 2 * length) : Math.max(SHORTEST, right);
    },
  };
}
