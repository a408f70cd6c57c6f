import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createRandom } from '@gram/base';
import { writeJsonl } from '@gram/data';
import { applyAdapter, loadModel, readCompanions } from '@gram/model';
import { createDiscriminativeRewardModel, createGenerativeRewardModel, evaluatePairs } from '@gram/reward';
import { chatLayoutOf, createPairEncoder, judgePrompt, tokenizerOf } from '@gram/tokenize';
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
import { createLikelihoodJudge, encodeLikelihoodPairs } from '@gram-examples/common/decisions/likelihood';
import { scoringModel } from '@gram-examples/common/stage-models';
import { learn } from './learn.mjs';
import { readTexts } from './texts.mjs';

/** Functions that compute the stages of the study on real text, by kind; see `examples/common/stages.mjs`. */
export const stages = { texts, pretrained, reading, judge, verdicts };

/** Stages that go on from the checkpoint that they left in their directory. */
export const resumable = ['reading', 'judge'];

/** Reads all texts once and keeps what is learned from and tested with; the result says what was found and left out. */
async function texts({ inputs, directory }) {
  const { pool, labels, tests, found } = await readTexts(inputs);
  const named = Object.entries(tests).map(([name, pairs]) => [join('tests', name), pairs]);
  for (const [name, records] of [['pool', pool], ['labels', labels], ...named]) {
    const path = join(directory, `${name}.jsonl`);
    await mkdir(dirname(path), { recursive: true });
    await writeJsonl(path, records);
  }
  return found;
}

/** The released model, in a place of its own. */
async function pretrained({ inputs: { path } }) {
  return { path };
}

/** Stage 1: an adapter that has learned to write pairs of responses; or `single` ones, which tells reading text from writing pairs. */
async function reading({ inputs: { recipe, seed, form, training }, needs, directory }) {
  const { encoder, ...model } = await openModel(needs, recipe);
  const pairs = await recordsOf(needs.texts, 'pool');
  const run =
    form === 'pairs'
      ? { objective: pairGeneration, ...(await encodeResponsePairs(encoder, pairs)) }
      : { objective: supervisedFineTuning, ...(await encodeDemonstrations(encoder, singles(pairs))) };
  return learn({ ...model, ...run }, { lora: recipe.lora, training, seed }, directory);
}

/** The responses of all pairs, one at a time. */
function singles(pairs) {
  return pairs.flatMap(({ id, prompt, responses }) =>
    responses.map((response, at) => ({ id: `${id}/${at}`, prompt, response })),
  );
}

/** An adapter that has learned from labels to judge: by the label of the better response, by likelihood, or by a new score head. */
async function judge({ inputs: { recipe, seed, readout, labels, training }, needs, directory }) {
  const { labelSmoothing, beta, ...pace } = training;
  const { encoder, ...start } = await openModel(needs, recipe);
  const pairs = drawn(await recordsOf(needs.texts, 'labels'), labels, seed);
  const learners = {
    async generative() {
      const { examples } = await encodePreferences(encoder, pairs, { seed });
      return {
        ...start,
        objective: preference({ labels: encoder.labelIds, labelSmoothing }),
        examples,
      };
    },
    async likelihood() {
      const examples = await encodeLikelihoodPairs(encoder, pairs);
      return { ...start, objective: simplePreference({ beta }), examples };
    },
    async discriminative() {
      const scorer = scoringModel({ config: start.config, weights: () => start.weights }, {}, seed);
      const { examples } = await encodeRewardPairs(encoder, pairs);
      return { ...scorer, objective: bradleyTerry({ labelSmoothing }), examples };
    },
  };
  return learn(await learners[readout](), { lora: recipe.lora, training: pace, seed }, directory);
}

/** The labels of a seed: those of fewer are among those of more. */
function drawn(pairs, count, seed) {
  const shuffled = createRandom(seed, 'labels').shuffle(pairs);
  return count === 'all' ? shuffled : shuffled.slice(0, count);
}

/** Functions that make a judge of a model, by the way in which it says which response is better. */
const JUDGES = {
  likelihood: createLikelihoodJudge,
  generative: createGenerativeRewardModel,
  discriminative: createDiscriminativeRewardModel,
};

/** Says which pairs of a test a model decides as they are labeled. */
async function verdicts({ inputs: { recipe, readout, test }, needs }) {
  const model = JUDGES[readout](await openModel(needs, recipe));
  const { items, order } = await evaluatePairs(model, await recordsOf(needs.texts, join('tests', test)));
  model.dispose();
  return {
    correct: items.map(({ correct }) => Number(correct)),
    // A judge that reads one response at a time does not see the order.
    consistency: order.inBothOrders === 0 ? null : order.consistency,
  };
}

/** Opens the released model with the adapters of the stages after it, and an encoder of what it reads. */
async function openModel({ base, start, judge: trained }, { judgePrompt: id, maxLength, overlong }) {
  const { path } = base.result;
  let opened = { model: await loadModel(path), files: await readCompanions(path) };
  const tokenizer = tokenizerOf(opened.files, path);
  const chat = await chatLayoutOf(opened.files, tokenizer, path, opened.model.gram?.chat);
  const encoder = await createPairEncoder({ tokenizer, chat, prompt: judgePrompt(id), maxLength, overlong });
  for (const stage of [start, trained].filter((each) => each !== undefined)) {
    opened = await applyAdapter(opened, join(stage.directory, 'adapter'));
  }
  const { config, weights } = opened.model;
  return { config, weights, encoder };
}

/** Reads records that the stage of the texts has kept. */
async function recordsOf({ directory }, name) {
  const lines = await readFile(join(directory, `${name}.jsonl`), 'utf8');
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
