import type { GenerationExample, ReferencedPair } from '@gram/train';
import type { MeasuredResponse } from '../advantages/experience.js';
import { PpoError } from '../error.js';

type Scored = MeasuredResponse & { readonly score: number };

/** The responses to a prompt that have a score and are not masked, the best first; of equal ones the first drawn. */
function ranked(responses: readonly MeasuredResponse[]): Scored[] {
  const scored = responses.filter(
    (response): response is Scored => response.score !== null && !response.isMasked,
  );
  return scored.sort((a, b) => b.score - a.score);
}

/**
 * Makes a preference of the responses to a prompt: the best is chosen, the worst rejected (Guo et al. 2024, online DPO). Responses
 * without a score are left out; where the others are all equally good, or there is one, there is no preference.
 *
 * @throws PpoError `bad-option` when the reference was not measured
 */
export function preferenceOf(responses: readonly MeasuredResponse[]): ReferencedPair[] {
  const order = ranked(responses);
  const [best, worst] = [order[0], order.at(-1)];
  if (best === undefined || worst === undefined || best.score === worst.score) return [];
  return [
    {
      chosen: exampleOf(best),
      rejected: exampleOf(worst),
      reference: { chosen: likelihood(best), rejected: likelihood(worst) },
    },
  ];
}

/**
 * Gives the best response to a prompt, to be imitated (best-of-n distillation; Dong et al. 2023, RAFT). Where all scored responses
 * are equally good there is nothing to choose, and the policy stays as it is.
 */
export function bestOf(responses: readonly MeasuredResponse[]): GenerationExample[] {
  const order = ranked(responses);
  const [best, worst] = [order[0], order.at(-1)];
  return best === undefined || best.score === worst?.score ? [] : [exampleOf(best)];
}

function exampleOf({ ids, lossFrom }: MeasuredResponse): GenerationExample {
  return { ids, lossFrom };
}

/** log pi_ref(y | x), the sum over the tokens of the response. */
function likelihood({ reference }: MeasuredResponse): number {
  if (reference !== undefined) return reference.logProbabilities.reduce((sum, value) => sum + value, 0);
  throw new PpoError('bad-option', 'a preference needs the reference', 'measure the responses with one');
}
