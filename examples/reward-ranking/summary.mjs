import { mean } from '@gram/base';
import { difference, estimate } from '@gram-examples/common/estimates';
import { SPLITS } from './study.mjs';

/** The arms whose difference says what stage 1, label smoothing and the kind of judge change. */
const EFFECTS = [
  ['by likelihood, stage 1', 'by likelihood'],
  ['GRAM', 'generative, smoothing'],
  ['discriminative, stage 1', 'discriminative'],
  ['GRAM', 'generative, stage 1'],
  ['GRAM', 'discriminative'],
  ['by likelihood, stage 1', 'discriminative'],
  ['by likelihood, stage 1', 'GRAM'],
];

/**
 * Puts the seeds together. All judges decide the same pairs, so that a difference of two is taken pair by pair and seed by
 * seed; its interval covers other seeds and other pairs of the same kind. One seed gives no interval.
 *
 * @param resultOf gives the result of a stage
 */
export function summarize(recipe, { cells, unlabeled, words }, resultOf) {
  const { arms: names, data, seeds } = recipe;
  const resultsOf = (arm, labels, split, of) =>
    cells
      .filter((cell) => cell.arm === arm && cell.labels === labels && of.includes(cell.seed))
      .map(({ tests }) => resultOf(tests[split]));
  const points = names.flatMap((arm) =>
    data.labeled.flatMap((labels) =>
      SPLITS.map((split) => ({ arm, labels, split, ...pointOf(resultsOf(arm, labels, split, seeds)) })),
    ),
  );
  const find = (arm, labels, split) =>
    points.find((point) => point.arm === arm && point.labels === labels && point.split === split);
  const compare = (arms, labels, split, of = seeds) => {
    const [first, second] = arms.map((arm) =>
      resultsOf(arm, labels, split, of).map(({ correct }) => correct),
    );
    return { arms, labels, split, seeds: of.length, ...difference(first, second) };
  };
  const compared = EFFECTS.filter((arms) => arms.every((arm) => names.includes(arm)));
  const effects = data.labeled.flatMap((labels) =>
    SPLITS.flatMap((split) => compared.map((arms) => compare(arms, labels, split))),
  );
  const { primary } = recipe;
  const declared =
    primary === undefined
      ? compare(compared[0], data.labeled.at(-1), 'out-of-distribution')
      : compare(primary.arms, primary.labels, primary.split, primary.seeds);
  return {
    ...{ points, find, effects, primary: declared },
    unlabeled: withoutLabels(unlabeled, resultOf),
    words: wordPoints(recipe, words, resultOf),
  };
}

/** The accuracy of counting words, at each number of labels and on each split. */
function wordPoints({ data }, words, resultOf) {
  if (words.length === 0) return [];
  return data.labeled.flatMap((labels) =>
    SPLITS.map((split) => {
      const own = words.filter((each) => each.labels === labels).map(({ tests }) => resultOf(tests[split]));
      return { labels, split, ...estimate(own.map(({ correct }) => correct)) };
    }),
  );
}

/** Counts the pairs that the likelier response decides before and after stage 1, on each split. */
function withoutLabels(seeds, resultOf) {
  return SPLITS.map((split) => {
    const [before, after] = ['before', 'after'].map((when) =>
      seeds.map((seed) => resultOf(seed[when][split]).correct),
    );
    const gain = difference(after, before);
    return { split, seeds: seeds.length, before: estimate(before), after: estimate(after), gain };
  });
}

/** Accuracy over seeds, and what else tables show of a judge. */
function pointOf(results) {
  const consistencies = results.map(({ consistency }) => consistency);
  return {
    ...estimate(results.map(({ correct }) => correct)),
    consistency: consistencies.includes(null) ? null : mean(consistencies),
    oracle: results[0].oracle,
    families: accuracyByFamily(results),
  };
}

function accuracyByFamily(results) {
  const [{ families }] = results;
  const names = [...new Set(families)];
  return Object.fromEntries(
    names.map((name) => {
      const own = results.flatMap(({ correct }) => correct.filter((_, at) => families[at] === name));
      return [name, mean(own)];
    }),
  );
}

/** The summary as a file keeps it. */
export function toJson(recipe, { points, effects, primary, unlabeled, words }) {
  return { recipe, primary, unlabeled, words, points, effects };
}
