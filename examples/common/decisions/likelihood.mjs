import { referenceLogProbabilities } from '@gram/train';

/**
 * Decides pairs without a label: the response that the model finds more likely, by its mean log-probability per token where it
 * stands first in a pair of stage 1. It is what a model knows of responses before it has learned to say so.
 *
 * @returns for each pair whether the chosen response is the likelier one, 1 or 0
 */
export async function decideByLikelihood({ config, weights, encoder }, pairs) {
  const examples = await encodeLikelihoodPairs(encoder, pairs);
  const measured = await referenceLogProbabilities(config, weights, examples);
  const perToken = (side, { reference, ...pair }) =>
    reference[side] / (pair[side].ids.length - pair[side].lossFrom);
  return measured.map((pair) => Number(perToken('chosen', pair) > perToken('rejected', pair)));
}

/**
 * Ranks responses to a prompt by their mean log-probability per token where they stand first in a pair of stage 1, the best first.
 *
 * @returns `order`, places in `responses`, and `scores` in nats per token, one for each response
 */
export async function rankByLikelihood({ config, weights, encoder }, prompt, responses) {
  const examples = await Promise.all(responses.map((text) => first(encoder, prompt, text)));
  const measured = await referenceLogProbabilities(
    config,
    weights,
    examples.map((example) => ({ chosen: example, rejected: example })),
  );
  const scores = measured.map(
    ({ reference, chosen }) => reference.chosen / (chosen.ids.length - chosen.lossFrom),
  );
  const order = scores.map((_, at) => at).sort((a, b) => scores[b] - scores[a]);
  return { order, scores };
}

/** Encodes both responses of each pair where they stand first in a pair of stage 1, for `simplePreference`. */
export async function encodeLikelihoodPairs(encoder, pairs) {
  const examples = [];
  for (const { prompt, chosen, rejected } of pairs) {
    const [better, worse] = await Promise.all([chosen, rejected].map((text) => first(encoder, prompt, text)));
    examples.push({ chosen: better, rejected: worse });
  }
  return examples;
}

/** The prompt and a response, up to where the second response of the pair would begin. */
async function first(encoder, prompt, response) {
  const [one, other] = await Promise.all(
    ['a', 'b'].map((second) => encoder.responsePair({ prompt, responses: [response, second] })),
  );
  const end = one.ids.findIndex((id, at) => id !== other.ids[at]);
  return { ids: one.ids.slice(0, end), lossFrom: one.lossFrom };
}
