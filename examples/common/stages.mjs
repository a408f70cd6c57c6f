import { createRandom } from '@gram/base';
import { initWeights, SCRATCH_FAMILY } from '@gram/model';
import { evaluatePairs } from '@gram/reward';
import { loadTokenizer, tokenizerFromJson } from '@gram/tokenize';
import {
  bradleyTerry,
  encodeDemonstrations,
  encodePreferences,
  encodeResponsePairs,
  encodeRewardPairs,
  pairGeneration,
  preference,
  simplePreference,
  supervisedFineTuning,
} from '@gram/train';
import { oracleAccuracy } from '@gram/world';
import { adaptationStages } from './adaptation.mjs';
import { encodeLikelihoodPairs } from './decisions/likelihood.mjs';
import { decideByWords, learnWords } from './decisions/words.mjs';
import { encoderOf, openData, worldTokenizer } from './materials.mjs';
import { policyStages } from './policies.mjs';
import { fit, keep, openJudge, openModel, scoringModel } from './stage-models.mjs';

/**
 * Functions that compute the stages of studies, by kind. A stage gets its inputs, which `recipe` of `settingsOf` is a part of,
 * the stages before it and a directory of its own, and returns what reports read.
 */
export const stages = {
  ...{ pretrained, tokenizer, base, stage1, judge, accuracy, words, lists },
  ...policyStages,
  ...adaptationStages,
};

/** The settings of a recipe that decide how texts become tokens. */
export function settingsOf({ source, judgePrompt, maxLength, overlong }) {
  return { source, judgePrompt, maxLength, overlong };
}

/** A model that was trained elsewhere, in a directory of its own. */
async function pretrained({ inputs: { path } }) {
  return { kind: 'policy', path };
}

/** Trains a tokenizer on texts of all families. */
async function tokenizer({ inputs: { recipe, seed }, directory }) {
  await tokenizerFromJson(worldTokenizer(recipe, seed)).save(directory);
  return {};
}

/** Trains the model that every arm starts from on plain text: prompts and responses of all families, each by itself. */
async function base({ inputs: { recipe, seed, texts, model, training }, needs, directory }) {
  const tokens = loadTokenizer(needs.tokenizer.directory);
  const { endId } = await encoderOf(recipe, tokens);
  const { standardDeviation, ...architecture } = model;
  const config = {
    architecture: `${SCRATCH_FAMILY}ForCausalLM`,
    vocabSize: tokens.vocabSize,
    ...architecture,
  };
  const weights = initWeights(config, createRandom(seed, 'weights'), standardDeviation);
  const pairs = openData({ ...recipe, data: {} }, seed).unlabeled(Math.ceil(texts / 3));
  const all = pairs.flatMap(({ prompt, responses }) => [prompt, ...responses]);
  const examples = [];
  for (const text of createRandom(seed, 'plain text').shuffle(all).slice(0, texts)) {
    examples.push({ ids: [endId, ...(await tokens.encode(text)), endId], lossFrom: 1 });
  }
  const run = { config, weights, objective: supervisedFineTuning, examples };
  return keep(directory, { ...run, kind: 'policy', tokens, recipe }, await fit(run, { ...training, seed }));
}

/** Stage 1: the model learns to write pairs of responses; or `single` ones, which tells reading text from writing pairs. */
async function stage1({ inputs: { recipe, seed, pairs: count, form, training }, needs, directory }) {
  const { config, weights, tokens, encoder } = await openModel(needs.model, recipe);
  const pairs = await (await openData({ ...recipe, data: {} }, seed)).unlabeled(count);
  const single = () =>
    pairs.flatMap(({ id, prompt, responses }) =>
      responses.map((response, at) => ({ id: `${id}/${at}`, prompt, response })),
    );
  const { examples } =
    form === 'pairs'
      ? await encodeResponsePairs(encoder, pairs)
      : await encodeDemonstrations(encoder, single());
  const objective = form === 'pairs' ? pairGeneration : supervisedFineTuning;
  const run = { config, weights, objective, examples };
  return keep(directory, { ...run, kind: 'policy', tokens, recipe }, await fit(run, { ...training, seed }));
}

/** Trains a judge from labels: generative, by likelihood, or discriminative with a new score head. */
async function judge({ inputs: { recipe, seed, kind, labels, training }, needs, directory }) {
  const { tokens, encoder, ...start } = await openModel(needs.model, recipe);
  const { labelSmoothing = 0, flipped = 0, beta, ...rest } = training;
  const data = await openData({ ...recipe, data: {} }, seed);
  const pairs = (await data.labeled(labels)).map((pair) => flipSome(pair, flipped, seed));
  const options = { ...rest, seed };
  if (kind === 'generative') {
    const { examples } = await encodePreferences(encoder, pairs, { seed });
    const objective = preference({ labels: encoder.labelIds, labelSmoothing });
    const history = await fit({ ...start, objective, examples }, options);
    return keep(directory, { ...start, kind, tokens, recipe }, history);
  }
  if (kind === 'likelihood') {
    const examples = await encodeLikelihoodPairs(encoder, pairs);
    const history = await fit({ ...start, objective: simplePreference({ beta }), examples }, options);
    return { ...(await keep(directory, { ...start, kind: 'policy', tokens, recipe }, history)), beta };
  }
  const scorer = scoringModel({ config: start.config, weights: () => start.weights }, recipe, seed);
  const { examples } = await encodeRewardPairs(encoder, pairs);
  const history = await fit({ ...scorer, objective: bradleyTerry({ labelSmoothing }), examples }, options);
  return keep(directory, { ...scorer, kind, tokens, recipe }, history);
}

/** The pair as it is or, with a probability of `share`, with its responses in each other's place: a wrong label. */
function flipSome(pair, share, seed) {
  if (createRandom(seed, 'flipped label', pair.id).uniform() >= share) return pair;
  return { ...pair, chosen: pair.rejected, rejected: pair.chosen };
}

/** Says which pairs a judge decides as they are labeled, and how the oracle does. */
async function accuracy({ inputs: { recipe, seed, split, pairs: count }, needs }) {
  const model = await openJudge(needs.judge, recipe);
  const data = await openData({ ...recipe, data: {} }, seed);
  const pairs = await data.tests(split, count);
  const { items, order } = await evaluatePairs(model, pairs, { seed });
  model.dispose();
  return {
    correct: items.map(({ correct }) => Number(correct)),
    families: pairs.map(({ family }) => family),
    consistency: order.inBothOrders === 0 ? null : order.consistency,
    oracle: data.tested && oracleAccuracy(data.tested, pairs),
  };
}

/** Says which pairs a judge that counts words decides as they are labeled, after it has learned from labels. */
async function words({ inputs: { recipe, seed, labels, split, pairs: count }, needs }) {
  const tokens = loadTokenizer(needs.tokenizer.directory);
  const data = await openData({ ...recipe, data: {} }, seed);
  const encoded = (pairs) =>
    Promise.all(
      pairs.map(async ({ chosen, rejected }) => ({
        chosen: await tokens.encode(chosen),
        rejected: await tokens.encode(rejected),
      })),
    );
  const weights = learnWords(await encoded(await data.labeled(labels)), tokens.vocabSize);
  return { correct: decideByWords(weights, await encoded(await data.tests(split, count))) };
}

/** Ranks a few lists of responses, whose worth the oracle knows, by the rewards of a judge, the best first. */
async function lists({ inputs: { recipe, seed, prompts, size }, needs }) {
  const model = await openJudge(needs.judge, recipe);
  const { tested } = openData({ ...recipe, data: {} }, seed);
  const ranked = [];
  for (const { family, prompt, responses, rewards } of tested.lists('out-of-distribution', prompts, size)) {
    const scored = await model.rewards(responses.map((response) => ({ prompt, response })));
    const all = scored.map(({ reward: score }, at) => ({ text: responses[at], score, reward: rewards[at] }));
    ranked.push({ family, prompt, responses: all.sort((a, b) => b.score - a.score) });
  }
  model.dispose();
  return ranked;
}
