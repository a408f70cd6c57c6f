import { bootstrapInterval, createRandom, pairedBootstrap } from '@gram/base';

/**
 * A judge that sees the quality of both responses through noise:
 *
 *     P(a preferred) = sigmoid((q_a - q_b) / temperature + bias + noise * z)
 *
 * `bias` is for the response that is shown first; z is a standard normal number of the pair, which changes its sign when the
 * pair is turned round: asked again, the judge says the same. Preferences of such a judge have contradictions.
 *
 * @param lists of `World.lists`
 */
export function noisyJudge(lists, { temperature, bias, noise }, seed) {
  const qualities = new Map(
    lists.flatMap(({ prompt, responses, rewards }) =>
      responses.map((response, i) => [JSON.stringify([prompt, response]), rewards[i]]),
    ),
  );
  const drawn = new Map();
  const deviate = (prompt, a, b) => {
    if (a === b) return 0;
    if (a > b) return -deviate(prompt, b, a);
    const key = JSON.stringify([prompt, a, b]);
    if (!drawn.has(key)) drawn.set(key, createRandom(seed, 'noise', key).normal());
    return drawn.get(key);
  };
  const compare = async (items) =>
    items.map(({ prompt, a, b }) => {
      const [qa, qb] = [a, b].map((response) => qualities.get(JSON.stringify([prompt, response])));
      const logit = (qa - qb) / temperature + bias + noise * deviate(prompt, a, b);
      return {
        probability: 1 / (1 + Math.exp(-logit)),
        consistent: true,
        truncated: false,
        neutralized: false,
      };
    });
  return { compare };
}

/** The share of the pairs of different quality that the judge decides rightly. */
export async function accuracyOf(judge, lists) {
  const pairs = lists.flatMap(({ prompt, responses, rewards }) =>
    responses.flatMap((a, i) =>
      responses.slice(i + 1).flatMap((b, offset) => {
        const difference = rewards[i] - rewards[i + 1 + offset];
        return difference === 0 ? [] : [{ item: { prompt, a, b }, difference }];
      }),
    ),
  );
  const results = await judge.compare(pairs.map(({ item }) => item));
  const right = results.filter(({ probability }, i) => probability > 0.5 === pairs[i].difference > 0);
  return right.length / pairs.length;
}

/** What a ranking of one list is worth by the qualities of its responses. */
export function judged({ order, comparisons, rounds }, rewards) {
  let [agreed, all] = [0, 0];
  for (const [at, better] of order.entries()) {
    for (const worse of order.slice(at + 1)) {
      const sign = Math.sign(rewards[better] - rewards[worse]);
      agreed += sign;
      all += Math.abs(sign);
    }
  }
  const quality = rewards[order[0]];
  return {
    quality,
    best: Number(quality === Math.max(...rewards)),
    // Of the pairs that differ in quality: where some are equal, no order of them is wrong.
    tau: all === 0 ? 1 : agreed / all,
    comparisons,
    rounds,
  };
}

/** The mean of one measure over lists, with its 95 % interval. */
export function summary(results, measure, random) {
  const values = results.map((each) => each[measure]);
  const [low, high] = bootstrapInterval(values, random);
  return { mean: mean(values), low, high };
}

/** How much one strategy gains over another on the same lists. */
export function gain(results, others, measure, random) {
  const { difference, interval } = pairedBootstrap(
    results.map((each) => each[measure]),
    others.map((each) => each[measure]),
    random,
  );
  return { mean: difference, low: interval[0], high: interval[1] };
}

export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
