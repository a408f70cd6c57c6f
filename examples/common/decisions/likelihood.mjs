import { mean } from '@gram/base';
import { createTokenMeter } from '@gram/ppo';
import { rewardModelFromComparator, sigmoid } from '@gram/reward';

/**
 * Makes a judge of a language model: the reward of a response is its mean log-probability per token where it stands first in a pair
 * of stage 1. It is what a model knows of responses before it has learned to say so, and what `simplePreference` sharpens.
 *
 *     r(x, y) = log pi(y | x) / |y|,   P(a is preferred to b) = sigmoid(beta (r(x, a) - r(x, b)))
 *
 * @param beta of the objective that trained it @default 2, that of `simplePreference`
 * @returns a reward model that also has `rewards`, in nats per token
 */
export function createLikelihoodJudge({ config, weights, encoder, beta = 2 }) {
  const meter = createTokenMeter({ config, policy: weights });
  /** The rewards of the responses; a response that occurs twice is measured once. */
  const measured = async (items, { signal } = {}) => {
    const keys = items.map(({ prompt, response }) => JSON.stringify([prompt, response]));
    const distinct = new Map(items.map((item, at) => [keys[at], item]));
    const texts = [...distinct.values()];
    const examples = await Promise.all(texts.map(({ prompt, response }) => first(encoder, prompt, response)));
    const means = (await meter.policy(examples, signal)).map(mean);
    const rewards = new Map([...distinct.keys()].map((key, at) => [key, means[at]]));
    return keys.map((key) => rewards.get(key));
  };
  const flags = { truncated: false, neutralized: false };
  const compare = async (items, options) => {
    const sides = items.flatMap(({ prompt, a, b }) => [a, b].map((response) => ({ prompt, response })));
    const rewards = await measured(sides, options);
    return items.map((_, at) => {
      const difference = rewards[2 * at] - rewards[2 * at + 1];
      return { probability: sigmoid(beta * difference), consistent: true, ...flags };
    });
  };
  const model = rewardModelFromComparator({ kind: 'discriminative', compare }, { dispose: meter.dispose });
  const rewards = async (items, options) =>
    (await measured(items, options)).map((reward) => ({ reward, ...flags }));
  return { ...model, rewards };
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
