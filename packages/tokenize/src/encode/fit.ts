/** The numbers of tokens that the prompt and the responses keep. */
export interface Kept {
  readonly prompt: number;
  readonly responses: readonly number[];
}

/**
 * Divides the tokens that the template leaves among the prompt and the responses.
 *
 * Responses are cut first, the longest first: one cap holds for all of them. Together they keep at least half of the room,
 * however long the prompt is; then the prompt is cut. So two responses that were both cut are equally long, a response
 * that was not cut is not longer than one that was, and the order of responses does not matter. At most
 * `responses.length - 1` tokens of room stay unused, none without responses.
 *
 * @param room number of tokens to divide
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

/**
 * Divides the tokens that the template leaves where each response stands alone after the prompt. All of them follow the same
 * prompt: were each fitted for itself, a long response would take from its prompt what a short one leaves, and two rewards
 * would differ by their prompts.
 *
 * @param room number of tokens to divide, for each of the responses
 */
export function fitAlternatives(room: number, prompt: number, responses: readonly number[]): Kept {
  const each = responses.map((length) => fitLengths(room, prompt, [length]).prompt);
  const kept = Math.min(prompt, ...each);
  return { prompt: kept, responses: responses.map((length) => Math.min(length, room - kept)) };
}

/** The largest cap c with sum(min(length, c)) <= room, for lengths that do not fit without one. */
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
