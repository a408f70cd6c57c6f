import { resolve } from 'node:path';
import { conversationText } from '@gram/base';
import {
  createOverlapFinder,
  createPipeline,
  decontaminate,
  deduplicate,
  filterByCharacters,
  promptDigest,
  readPreferences,
  readResponsePairs,
  screen,
} from '@gram/data';
import { readBenchmark } from '@gram/reward';
import { inOrderOfPrompts, splitByPrompt } from '@gram-examples/common/split-by-prompt';

/** The test in distribution: pairs of the sources of the labels, of other prompts. */
export const HELD_OUT = 'held-out';

/** More than any prompt has: all pairs are drawn, and those that are short enough are counted. */
const ALL_PAIRS = 1e6;

/**
 * Reads all texts of a recipe: pairs for stage 1, labeled pairs and tests. What is learned from has no prompt of a test, neither of
 * those of this study nor, in stage 1, of those that others test with.
 *
 * @returns `pool` and `labels`, in the order in which they are taken; `tests` by name; `found`, what was read, left out and why
 */
export async function readTexts({ source, texts }) {
  const { characters, pairsPerPrompt, test } = texts;
  const { train, test: heldOut } = splitByPrompt(await readLabeled(source, characters));
  const whole = Object.fromEntries(
    await Promise.all(
      Object.entries(source.tests).map(async ([name, files]) => [name, await readTest(source, files)]),
    ),
  );
  const tests = { [HELD_OUT]: heldOut };
  for (const [name, pairs] of Object.entries(whole)) {
    const short = createPipeline(pairs, [filterByCharacters({ most: test.characters }), perPrompt(1)]);
    tests[name] = inOrderOfPrompts(await gather(short)).slice(0, test.pairs);
  }
  const sets = Object.entries({ [HELD_OUT]: heldOut, ...whole }).map(asSet);
  const excluded = await Promise.all(
    Object.entries(source.excluded).map(async ([name, files]) =>
      asSet([name, await readTest(source, files)]),
    ),
  );
  const labels = await withoutLeaks(train, sets);
  const unlabeled = await readUnlabeled(source, [
    filterByCharacters({ most: characters }),
    deduplicate(),
    perPrompt(pairsPerPrompt),
  ]);
  const pool = await withoutLeaks(unlabeled, [...sets, ...excluded]);
  return {
    pool: inOrderOfPrompts(pool.kept),
    labels: labels.kept,
    tests,
    found: {
      pool: { ...sizeOf(pool.kept), leaks: pool.leaks, bySource: bySource(pool.kept) },
      labels: { ...sizeOf(labels.kept), leaks: labels.leaks, bySource: bySource(labels.kept) },
      tests: Object.fromEntries(
        Object.entries(tests).map(([name, pairs]) => [
          name,
          { ...sizeOf(pairs), of: (whole[name] ?? heldOut).length },
        ]),
      ),
    },
  };
}

/** Leaves out records with a prompt of a set, and says which prompts of it the others would have taught. */
async function withoutLeaks(records, sets) {
  const finder = await createOverlapFinder(sets);
  const kept = await gather(createPipeline(records, [decontaminate(finder)]));
  const leaks = finder.overlaps
    .filter(({ records: count }) => count > 0)
    .map(({ name, prompts, equal, near, records: count }) => ({
      name,
      prompts,
      equal,
      near,
      records: count,
    }));
  return { kept, leaks };
}

/** Keeps the first records of each prompt. */
function perPrompt(most) {
  const counts = new Map();
  return screen('records of a prompt', (record) => {
    const prompt = promptDigest(record);
    const count = counts.get(prompt) ?? 0;
    counts.set(prompt, count + 1);
    return count < most ? undefined : 'enough of its prompt';
  });
}

async function readLabeled({ directory, labeled }, characters) {
  const pairs = [];
  for (const { path, format } of Object.values(labeled)) {
    // The same ids as those of examples/finetune, which order pairs of one prompt.
    const family = path.replace(/^.*\//, '').replace(/\..*$/, '');
    const reading = readPreferences(resolve(directory, path), { format });
    for await (const pair of createPipeline(reading, [filterByCharacters({ most: characters })])) {
      pairs.push({ ...pair, id: `${family}/${pair.id}`, family });
    }
  }
  return pairs;
}

async function readUnlabeled({ directory, unlabeled }, steps) {
  const pairs = [];
  for (const [family, { path, format }] of Object.entries(unlabeled)) {
    const reading = readResponsePairs(resolve(directory, path), { format, pairsPerPrompt: ALL_PAIRS });
    for (const pair of await gather(reading)) pairs.push({ ...pair, id: `${family}/${pair.id}`, family });
  }
  return gather(createPipeline(pairs, steps));
}

/** The pairs of a test, which is one file or several by the names of its parts. */
async function readTest({ directory }, files) {
  const parts = typeof files.path === 'string' ? { '': files } : files;
  const pairs = [];
  for (const [part, { path, format }] of Object.entries(parts)) {
    const place = resolve(directory, path);
    const read = format === 'rm-bench' ? readConcise(place) : gather(readPreferences(place, { format }));
    pairs.push(
      ...(await read).map((pair) => ({ ...pair, id: part === '' ? pair.id : `${part}/${pair.id}` })),
    );
  }
  return pairs;
}

/** RM-Bench has three styles of each response, the chosen ones first: this takes the concise ones. */
async function readConcise(path) {
  const { items } = await readBenchmark(path, 'rm-bench');
  return items.map(({ id, subset, prompt, responses }) => ({
    ...{ id, prompt, family: subset },
    chosen: responses[0],
    rejected: responses[responses.length / 2],
  }));
}

function asSet([name, records]) {
  return { name, records };
}

function sizeOf(pairs) {
  const texts = pairs.flatMap(({ prompt, responses, chosen, rejected }) =>
    [prompt, ...(responses ?? [chosen, rejected])].map(conversationText),
  );
  return {
    pairs: pairs.length,
    prompts: new Set(pairs.map(promptDigest)).size,
    characters: texts.reduce((sum, { length }) => sum + length, 0),
  };
}

function bySource(pairs) {
  const counts = {};
  for (const { family } of pairs) counts[family] = (counts[family] ?? 0) + 1;
  return counts;
}

async function gather(records) {
  const all = [];
  for await (const record of records) all.push(record);
  return all;
}
