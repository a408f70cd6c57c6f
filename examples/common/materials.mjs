import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readDemonstrations, readPreferences, readResponsePairs } from '@gram/data';
import { scalarReward } from '@gram/ppo';
import { loadRewardModel } from '@gram/reward';
import { createPairEncoder, judgePrompt, plainChat, trainBpe } from '@gram/tokenize';
import { createWorld } from '@gram/world';

/** Trains the tokenizer of a recipe on texts of the world. */
export function worldTokenizer({ judgePrompt: id, data, tokenizer }, seed) {
  const { instruction, tail } = judgePrompt(id);
  // The template's words stand in every input: seen often here, they become single tokens.
  const template = Array(100).fill(instruction + tail);
  return trainBpe({
    texts: [...createWorld({ seed }).corpus(data.tokenizerTexts), ...template],
    vocabSize: tokenizer.vocabSize,
    specialTokens: plainChat.specialTokens,
  });
}

/** Opens the data of a recipe without a model or a tokenizer. */
export function openData(recipe, seed) {
  requireFiles(recipe);
  return recipe.source.kind === 'world' ? worldData(recipe, seed) : fileData(recipe);
}

function worldData({ source, data }, seed) {
  const world = createWorld({ seed });
  const families = source.families ?? world.inDistribution;
  // A search of recipes gives some of the known families no labels, so that it can choose by them.
  const unlabeledFamilies = world.inDistribution.filter((name) => !families.includes(name));
  // Families take turns, so a list of some of them is the share of a longer list.
  const some = (list, n, wanted = families) => {
    const share = world.inDistribution.length / wanted.length;
    return list(Math.ceil(n * share))
      .filter(({ family }) => wanted.includes(family))
      .slice(0, n);
  };
  // Seeds that are to judge the same pairs share a world of tests.
  const tests = source.testSeed === undefined ? world : createWorld({ seed: source.testSeed });
  const broad = createWorld({ seed, families: 'all', writers: source.writers });
  return {
    world,
    tested: tests,
    families,
    unlabeled: (n = data.unlabeled) =>
      source.unlabeledFamilies === 'all'
        ? broad.unlabeledPairs(n)
        : some((count) => world.unlabeledPairs(count), n),
    labeled: (n = data.labeled) => some((count) => world.labeledPairs(count), n),
    tests(split, n = data.test) {
      if (split === 'out-of-distribution') return tests.testPairs(split, n);
      const others = (count) => tests.testPairs('in-distribution', count);
      return split === 'validation' ? some(others, n, unlabeledFamilies) : some(others, n);
    },
    demonstrations: (n) => some((count) => world.demonstrations(count), n),
    prompts: (split, n) =>
      some((count) => (split === 'policy-test' ? tests : world).prompts(split, count), n),
    task: (family, side, n) => (side === 'test' ? tests : world).adaptationPairs(family, side, n),
    /** Rewards responses to prompts of `policy-test`. */
    oracle: (groups) => groups.map(({ id, responses }) => responses.map((text) => tests.reward(id, text))),
  };
}

function fileData({ source, data }) {
  const at = (path) => resolve(source.directory, path);
  const take = async (records, n) => {
    const taken = [];
    for await (const record of records) {
      if (taken.length === n) break;
      taken.push(record);
    }
    return taken;
  };
  const read = (reader, { path, format }, n) => take(reader(at(path), { format }), n);
  let reward;
  // Most stages need no oracle, and it may be as large as the policy.
  const oracle = async (groups, context) => {
    reward ??= scalarReward(await loadRewardModel(at(source.oracle), { overlong: 'truncate' }));
    return reward(groups, context);
  };
  return {
    unlabeled: (n = data.unlabeled) => read(readResponsePairs, source.unlabeled, n),
    labeled: (n = data.labeled) => read(readPreferences, source.labeled, n),
    tests: (split, n = data.test) => read(readPreferences, source.tests[split], n),
    demonstrations: (n) => read(readDemonstrations, source.demonstrations, n),
    prompts: (split, n) => read(readDemonstrations, source.prompts[split], n),
    task: (name, side, n) => read(readPreferences, source.tasks[name][side], n),
    oracle,
  };
}

/** Refuses a recipe whose files are missing, before anything is computed. */
export function requireFiles(recipe) {
  if (recipe.source.kind === 'world') return;
  const missing = missingFiles(recipe);
  if (missing.length === 0) return;
  throw Object.assign(new Error(`the configuration ${recipe.name} needs ${missing.join(', ')}`), {
    hint: 'put them there or name another place with --files; --dry-run shows what each is for',
  });
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
    .map(([, path]) => resolve(recipe.source.directory, path))
    .filter((path) => !existsSync(path));
}

/** Creates the encoder of a recipe. */
export function encoderOf({ judgePrompt: id, maxLength, overlong }, tokenizer) {
  return createPairEncoder({ tokenizer, prompt: judgePrompt(id), chat: plainChat, maxLength, overlong });
}
