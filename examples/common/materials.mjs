import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { readDemonstrations, readPreferences, readResponsePairs } from '@gram/data';
import { copyWeights, initWeights, loadModel, SCRATCH_FAMILY } from '@gram/model';
import { scalarReward } from '@gram/ppo';
import { loadRewardModel } from '@gram/reward';
import {
  createPairEncoder,
  judgePrompt,
  loadTokenizer,
  plainChat,
  tokenizerFromJson,
  trainBpe,
} from '@gram/tokenize';
import { createWorld } from '@gram/world';

/**
 * Opens what a study works with: a base model, its tokenizer and the data, from the synthetic world or from files.
 *
 * `base.weights()` gives a fresh copy each time. The data are functions, so that a study makes only what it needs.
 */
export async function openMaterials(recipe, seed) {
  return recipe.source.kind === 'world' ? fromWorld(recipe, seed) : fromFiles(recipe);
}

async function fromWorld(recipe, seed) {
  const { source, data } = recipe;
  const world = createWorld({ seed });
  const families = source.families ?? world.inDistribution;
  // Families take turns, so a list of some of them is the share of a longer list.
  const some = (list, n) => {
    const share = world.inDistribution.length / families.length;
    return list(Math.ceil(n * share))
      .filter(({ family }) => families.includes(family))
      .slice(0, n);
  };
  const prompt = judgePrompt(recipe.judgePrompt);
  // The template's words stand in every input: seen often here, they become single tokens.
  const template = Array(100).fill(prompt.instruction + prompt.tail);
  const tokenizer = tokenizerFromJson(
    trainBpe({
      texts: [...world.corpus(data.tokenizerTexts), ...template],
      vocabSize: recipe.tokenizer.vocabSize,
      specialTokens: plainChat.specialTokens,
    }),
  );
  const { standardDeviation, ...architecture } = recipe.model;
  const config = {
    architecture: `${SCRATCH_FAMILY}ForCausalLM`,
    vocabSize: tokenizer.vocabSize,
    ...architecture,
  };
  return {
    world,
    families,
    tokenizer,
    encoder: await encoderOf(recipe, tokenizer),
    base: {
      config,
      weights: (of = config) => initWeights(of, createRandom(seed, 'weights'), standardDeviation),
    },
    unlabeled: () =>
      source.unlabeledFamilies === 'all'
        ? createWorld({ seed, families: 'all' }).unlabeledPairs(data.unlabeled)
        : some((n) => world.unlabeledPairs(n), data.unlabeled),
    labeled: () => some((n) => world.labeledPairs(n), data.labeled),
    tests: (split) =>
      split === 'in-distribution'
        ? some((n) => world.testPairs(split, n), data.test)
        : world.testPairs(split, data.test),
    demonstrations: () => some((n) => world.demonstrations(n), data.demonstrations),
    prompts: (split, n) => some((count) => world.prompts(split, count), n),
    task: (family, side, n) => world.adaptationPairs(family, side, n),
    oracle: (groups) => groups.map(({ id, responses }) => responses.map((text) => world.reward(id, text))),
  };
}

async function fromFiles(recipe) {
  const { source, data } = recipe;
  const missing = missingFiles(recipe);
  if (missing.length > 0) {
    throw Object.assign(new Error(`the configuration ${recipe.name} needs ${missing.join(', ')}`), {
      hint: 'put them there or name another place with --files; --dry-run shows what each is for',
    });
  }
  const at = (path) => join(source.directory, path);
  const { config, weights } = await loadModel(at(source.model));
  const tokenizer = loadTokenizer(at(source.model));
  const take = async (records, n) => {
    const taken = [];
    for await (const record of records) {
      if (taken.length === n) break;
      taken.push(record);
    }
    return taken;
  };
  const read = (reader, { path, format }, n) => take(reader(at(path), { format }), n);
  return {
    tokenizer,
    encoder: await encoderOf(recipe, tokenizer),
    base: { config, weights: () => copyWeights(weights) },
    unlabeled: () => read(readResponsePairs, source.unlabeled, data.unlabeled),
    labeled: () => read(readPreferences, source.labeled, data.labeled),
    tests: (split) => read(readPreferences, source.tests[split], data.test),
    demonstrations: () => read(readDemonstrations, source.demonstrations, data.demonstrations),
    prompts: (split, n) => read(readDemonstrations, source.prompts[split], n),
    task: (name, side, n) => read(readPreferences, source.tasks[name][side], n),
    oracle: source.oracle && scalarReward(await loadRewardModel(at(source.oracle), { overlong: 'truncate' })),
  };
}

/** Lists the files and directories of a recipe, each with its purpose. */
export function filesOf({ source }) {
  const list = (what, value) => {
    if (value === undefined) return [];
    if (typeof value === 'string') return [[what, value]];
    if (typeof value.path === 'string') return [[`${what} (${value.format})`, value.path]];
    return Object.entries(value).flatMap(([name, inner]) => list(`${what}, ${name}`, inner));
  };
  const { kind, directory, ...rest } = source;
  return kind === 'world' ? [] : Object.entries(rest).flatMap(([what, value]) => list(what, value));
}

/** Lists the files of a recipe that are missing. */
export function missingFiles(recipe) {
  return filesOf(recipe)
    .map(([, path]) => join(recipe.source.directory, path))
    .filter((path) => !existsSync(path));
}

function encoderOf({ judgePrompt: id, maxLength, overlong }, tokenizer) {
  return createPairEncoder({ tokenizer, prompt: judgePrompt(id), chat: plainChat, maxLength, overlong });
}
