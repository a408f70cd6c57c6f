/**
 * A judge that knows words and nothing else: logistic regression on which tokens a response is made of. It sees neither their order
 * nor the prompt, so that a judge that is no better has read no more than the surface of the responses.
 *
 *     P(a is chosen) = sigmoid(w . (f(a) - f(b))),   f the share of each token in a response
 */

/** Weight of the squared norm of w, and the steps of gradient descent; chosen on validation families. */
const REGULARIZATION = 1e-3;
const STEPS = 400;
const RATE = 30;

/**
 * Learns the weight of each token.
 *
 * @param pairs `{ chosen, rejected }`, the ids of the tokens of each response
 * @param size of the vocabulary
 * @returns the weights, `[size]`
 */
export function learnWords(pairs, size) {
  const features = pairs.map(differenceOf);
  const weights = new Float64Array(size);
  for (let step = 0; step < STEPS; step++) {
    const gradient = weights.map((weight) => REGULARIZATION * weight);
    for (const feature of features) {
      const miss = 1 / (1 + Math.exp(marginOf(weights, feature)));
      for (const [id, share] of feature) gradient[id] -= (miss * share) / features.length;
    }
    for (let id = 0; id < size; id++) weights[id] -= RATE * gradient[id];
  }
  return weights;
}

/** Says for each pair whether the chosen response has the better words, 1 or 0. */
export function decideByWords(weights, pairs) {
  return pairs.map((pair) => Number(marginOf(weights, differenceOf(pair)) > 0));
}

/** The shares of tokens in the chosen response minus those in the rejected one. */
function differenceOf({ chosen, rejected }) {
  const shares = new Map();
  const add = (ids, sign) => {
    for (const id of ids) shares.set(id, (shares.get(id) ?? 0) + sign / ids.length);
  };
  add(chosen, 1);
  add(rejected, -1);
  return shares;
}

function marginOf(weights, feature) {
  let margin = 0;
  for (const [id, share] of feature) margin += weights[id] * share;
  return margin;
}
