import { bootstrapInterval, createRandom, differences, mean, meanOverSeedsAndItems } from '@gram/base';
import { detectable } from '@gram-examples/common/estimates';
import { planOf, READOUTS, testsOf } from './plan.mjs';
import { HELD_OUT } from './texts.mjs';

/** All tests but the one in distribution, put together. */
export const ELSEWHERE = 'out of distribution';

/** Starts whose difference says what stage 1 changes, and what reading the same text changes. */
const EFFECTS = [
  ['stage-1', 'base'],
  ['stage-1', 'control'],
  ['control', 'base'],
];

/**
 * Puts together what was computed so far. A judge counts once all tests of a group are there.
 *
 * Rows of an estimate are seeds of labels; where a start has several seeds of its own, their verdicts are averaged first. One row
 * alone gives an interval over the items.
 *
 * @param resultOf gives the result of a stage, or undefined where it was not computed
 */
export function summarize(recipe, resultOf) {
  const cells = planOf(recipe);
  const elsewhere = testsOf(recipe).filter((name) => name !== HELD_OUT);
  const groups = {
    ...Object.fromEntries(testsOf(recipe).map((name) => [name, [name]])),
    [ELSEWHERE]: elsewhere,
  };
  const rowsOf = (wanted, tests) => {
    const rows = new Map();
    for (const cell of cells) {
      if (['start', 'readout', 'labels'].some((key) => cell[key] !== wanted[key])) continue;
      const results = tests.map((test) => resultOf(cell.tests[test]));
      if (results.includes(undefined)) continue;
      const correct = results.flatMap((result) => result.correct);
      rows.set(cell.seed, [...(rows.get(cell.seed) ?? []), correct]);
    }
    return rows;
  };
  const points = [];
  const effects = [];
  for (const { labels, starts } of recipe.judges) {
    for (const readout of READOUTS) {
      for (const [group, tests] of Object.entries(groups)) {
        const found = new Map(starts.map((start) => [start, rowsOf({ start, readout, labels }, tests)]));
        for (const [start, rows] of found) {
          if (rows.size === 0) continue;
          const runs = [...rows.values()].flat().length;
          const own = { start, readout, labels, group, runs };
          points.push({ ...own, ...estimateOf([...rows.values()].map(averaged)) });
        }
        for (const pair of EFFECTS) {
          const effect = effectOf(pair.map((start) => found.get(start)));
          if (effect !== undefined) effects.push({ starts: pair, readout, labels, group, ...effect });
        }
      }
    }
  }
  const verdicts = cells.flatMap(({ tests }) => Object.values(tests));
  const computed = verdicts.filter((stage) => resultOf(stage) !== undefined).length;
  return {
    ...{ points, effects, primary: primaryOf(recipe, effects) },
    pieces: { computed, of: verdicts.length },
  };
}

/** The difference of two starts over the seeds that both have. */
function effectOf([first, second]) {
  const seeds = [...(first?.keys() ?? [])].filter((seed) => second?.has(seed));
  if (seeds.length === 0) return undefined;
  const lists = [first, second].map((rows) => seeds.map((seed) => rows.get(seed)));
  const [more, less] = lists.map((each) => each.map(averaged));
  return { runs: lists.flat(2).length, ...estimateOf(differences(more, less)) };
}

/** The comparison that was declared, with the difference that it would be likely to find; undefined before all its runs are there. */
function primaryOf({ primary: { readout, starts, labels }, judges, starts: readers }, effects) {
  const { seeds } = judges.find((each) => each.labels === labels);
  const wanted = starts.flatMap((start) => readers[start]).length * seeds.length;
  const found = effects.find(
    (effect) =>
      effect.readout === readout &&
      effect.labels === labels &&
      effect.group === ELSEWHERE &&
      effect.starts.join() === starts.join(),
  );
  if (found === undefined || found.runs < wanted) return undefined;
  return { ...found, detectable: detectable(found.interval) };
}

/** The mean of several lists, item by item. */
function averaged(lists) {
  return lists[0].map((_, at) => mean(lists.map((list) => list[at])));
}

function estimateOf(rows) {
  if (rows.length > 1) return { ...meanOverSeedsAndItems(rows), seeds: rows.length };
  const [row] = rows;
  return { mean: mean(row), interval: bootstrapInterval(row, createRandom(0, 'items')), seeds: 1 };
}
