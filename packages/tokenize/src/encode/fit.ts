/** The numbers of tokens that the prompt and the responses keep. */
export interface Kept {
  readonly prompt: number;
  readonly responses: readonly number[];
}

/** The same for several records with one prompt: the responses of each record. */
export interface KeptAlike {
  readonly prompt: number;
  readonly responses: readonly (readonly number[])[];
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
  return { prompt: Math.min(prompt, room - forResponses), responses: capped(forResponses, responses) };
}

/**
 * Divides the tokens among one prompt and the responses of several records, of which each has the prompt and its own responses.
 * All keep the same of the prompt: were each fitted for itself, a long response would take from its prompt what a short one
 * leaves, and two rewards would differ by their prompts.
 *
 * @param room number of tokens to divide, for each of the records
 */
export function fitAlike(room: number, prompt: number, records: readonly (readonly number[])[]): KeptAlike {
  const kept = Math.min(prompt, ...records.map((responses) => fitLengths(room, prompt, responses).prompt));
  return { prompt: kept, responses: records.map((responses) => capped(room - kept, responses)) };
}

/** Cuts lengths to a cap for all of them, so that their sum fits. */
function capped(room: number, lengths: readonly number[]): readonly number[] {
  const cap = commonCap(room, lengths);
  return lengths.map((length) => Math.min(length, cap));
}

/** The largest cap c with sum(min(length, c)) <= room. */
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
