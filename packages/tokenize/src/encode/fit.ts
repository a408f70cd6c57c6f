/** How many tokens each piece of user text may keep. */
export interface Kept {
  readonly prompt: number;
  readonly responses: readonly number[];
}

/**
 * Shares the tokens that the template leaves among the prompt and the responses.
 *
 * Responses give way first, the longest first: one cap holds for all of them. They are not pushed below half of the
 * room for a long prompt's sake; from there on the prompt gives way. So two responses that were both cut are
 * equally long, one that was not cut is no longer than the cut one, and order does not matter. At most
 * `responses.length - 1` tokens of room stay unused, none without responses.
 *
 * @param room tokens to share
 * @param prompt length of the prompt in tokens
 * @param responses lengths of the responses in tokens
 */
export function fitLengths(room: number, prompt: number, responses: readonly number[]): Kept {
  const wanted = responses.reduce((sum, length) => sum + length, 0);
  if (prompt + wanted <= room) return { prompt, responses };
  const forResponses = Math.min(wanted, Math.max(room - prompt, Math.floor(room / 2)));
  const cap = wanted <= forResponses ? Number.POSITIVE_INFINITY : commonCap(forResponses, responses);
  return {
    prompt: Math.min(prompt, room - forResponses),
    responses: responses.map((length) => Math.min(length, cap)),
  };
}

/** The largest cap c with sum(min(length, c)) <= room. Needs lengths that do not fit uncapped. */
function commonCap(room: number, lengths: readonly number[]): number {
  const ascending = [...lengths].sort((a, b) => a - b);
  let left = room;
  for (const [index, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (length > share) return share;
    left -= length;
  }
  return Number.POSITIVE_INFINITY;
}
