import { mean } from '@gram/base';
import { bestOfNCurve } from '@gram/reward';
import { detectable, difference, estimate } from '@gram-examples/common/estimates';

/** Pairs of judges whose difference answers a question. */
const COMPARED = [
  ['by likelihood, stage 1', 'discriminative'],
  ['by likelihood, stage 1', 'GRAM'],
  ['GRAM', 'discriminative'],
  ['GRAM', 'generative, smoothing'],
];

/** Number of points of a curve over the KL. */
const GRID = 12;

/**
 * Puts the seeds together. All policies answer the same prompts, so that a difference of two judges is taken prompt by prompt and
 * seed by seed; its interval covers other seeds and other prompts of the same kind.
 *
 * @param resultOf gives the result of a stage
 */
export function summarize(recipe, { cells }, resultOf) {
  const arms = recipe.arms.map((name) => {
    const own = cells.filter(({ arm }) => arm === name);
    return {
      name,
      runs: own.map(({ run }) => resultOf(run)),
      chosen: own.map(({ samples, choices }) => chosenBy(resultOf(samples), resultOf(choices), recipe)),
    };
  });
  const policies = arms.map(policySummary);
  const bestOfN = arms.map((arm) => ({ arm: arm.name, points: bestOfNPoints(arm, recipe) }));
  return {
    start: estimate(arms[0].runs.map(({ curve }) => curve[0].oracle)),
    policies,
    overSteps: arms.map((arm) => ({ arm: arm.name, points: overSteps(arm) })),
    overKl: arms.map((arm) => ({ arm: arm.name, points: overKl(arm) })),
    bestOfN,
    differences: [...policyDifferences(arms), ...bestOfNDifferences(arms, recipe)],
    primary: declared(arms, recipe.primary, recipe.bestOfN.sizes),
    seeds: recipe.seeds.length,
  };
}

const selectedOf = ({ curve, selected }) => curve[selected];

/** A policy where its judge's reward on validation prompts is best, and at the end. */
function policySummary({ name, runs }) {
  const starts = runs.map(({ curve }) => curve[0].oracle);
  const values = (key) => runs.map((run) => selectedOf(run)[key]);
  const wins = values('oracle').map((own, seed) => own.map((reward, at) => beats(reward, starts[seed][at])));
  return {
    arm: name,
    oracle: estimate(values('oracle')),
    gain: difference(values('oracle'), starts),
    winRate: estimate(wins),
    proxy: estimate(values('proxy')),
    kl: mean(values('kl').flat()),
    steps: runs.map((run) => selectedOf(run).step),
    fall: fallOf(runs),
  };
}

const beats = (a, b) => (a > b ? 1 : a === b ? 0.5 : 0);

/**
 * What the oracle loses from the best step to the last one, which over-optimization takes away. The best step is chosen by every
 * other prompt and the loss is measured on the rest: on the prompts that chose it, chance would count as a loss.
 */
function fallOf(runs) {
  const [choosing, measuring] = [0, 1].map((side) => (list) => list.filter((_, at) => at % 2 === side));
  const steps = runs[0].curve.map((_, at) => at);
  const worth = (at) => mean(runs.flatMap(({ curve }) => choosing(curve[at].oracle)));
  const best = steps.reduce((found, at) => (worth(at) > worth(found) ? at : found));
  const at = (place) => runs.map(({ curve }) => measuring(curve[place].oracle));
  return { step: runs[0].curve[best].step, ...difference(at(steps.at(-1)), at(best)) };
}

/** Means over the steps at which all seeds were measured. */
function overSteps({ runs }) {
  return runs[0].curve.map(({ step }, at) => {
    const all = (key) => runs.map(({ curve }) => curve[at][key]);
    return {
      step,
      kl: mean(all('kl').flat()),
      oracle: estimate(all('oracle')),
      proxy: estimate(all('proxy')),
    };
  });
}

/**
 * Rewards over the KL. Seeds reach a KL at different steps: each is read between its first two measurements around it, up to
 * the KL that every seed reaches.
 */
function overKl({ runs }) {
  const kls = runs.map(({ curve }) => curve.map(({ kl }) => mean(kl)));
  const top = Math.min(...kls.map((own) => Math.max(...own)));
  return Array.from({ length: GRID + 1 }, (_, i) => {
    const kl = (top * i) / GRID;
    const all = (key) =>
      runs.map(({ curve }, seed) =>
        readAt(
          kls[seed],
          curve.map((point) => point[key]),
          kl,
        ),
      );
    return { kl, oracle: estimate(all('oracle')), proxy: estimate(all('proxy')) };
  });
}

/** Reads lists of values between the first two places whose KLs enclose one. */
export function readAt(kls, lists, kl) {
  const after = kls.findIndex((value) => value >= kl);
  if (after <= 0) return lists[0];
  const share = (kl - kls[after - 1]) / (kls[after] - kls[after - 1]);
  return lists[after].map((value, at) => (1 - share) * lists[after - 1][at] + share * value);
}

/** Expected rewards of the best of n samples by a judge: for each size, one value for each prompt. */
function chosenBy({ oracle }, { proxy }, { bestOfN: { sizes } }) {
  // One group at a time gives its own value; the interval over one group, which this would draw, is a point.
  const one = { integer: () => 0 };
  const curves = oracle.map((gold, at) => bestOfNCurve([{ proxy: proxy[at], gold }], sizes, one));
  return sizes.map((n, size) => ({
    n,
    kl: curves[0][size].kl,
    proxy: curves.map((points) => points[size].proxy.mean),
    oracle: curves.map((points) => points[size].gold.mean),
  }));
}

function bestOfNPoints({ chosen }, { bestOfN: { sizes } }) {
  return sizes.map((n, size) => {
    const all = (key) => chosen.map((points) => points[size][key]);
    return { n, kl: chosen[0][size].kl, oracle: estimate(all('oracle')), proxy: estimate(all('proxy')) };
  });
}

const selectedRewards = ({ runs }) => runs.map((run) => selectedOf(run).oracle);

const chosenRewards =
  (sizes, n) =>
  ({ chosen }) =>
    chosen.map((points) => points[sizes.indexOf(n)].oracle);

/** Compares the judges of a recipe, two by two. */
function compareAll(arms, valuesOf) {
  const values = new Map(arms.map((arm) => [arm.name, valuesOf(arm)]));
  return COMPARED.filter((names) => names.every((name) => values.has(name))).map((names) => ({
    arms: names,
    ...difference(...names.map((name) => values.get(name))),
  }));
}

function policyDifferences(arms) {
  return compareAll(arms, selectedRewards).map((found) => ({ of: 'PPO', ...found }));
}

function bestOfNDifferences(arms, { bestOfN: { sizes } }) {
  return sizes
    .filter((n) => n > 1)
    .flatMap((n) =>
      compareAll(arms, chosenRewards(sizes, n)).map((found) => ({ of: 'best of n', n, ...found })),
    );
}

/** The comparisons that were declared beforehand, each with the difference that the study could have found. */
function declared(arms, { arms: names, n }, sizes) {
  const [first, second] = names.map((name) => arms.find((arm) => arm.name === name));
  const compare = (of, valuesOf) => {
    const found = difference(valuesOf(first), valuesOf(second));
    return { of, arms: names, ...found, detectable: found.interval && detectable(found.interval) };
  };
  return [compare('PPO', selectedRewards), { n, ...compare(`best of ${n}`, chosenRewards(sizes, n)) }];
}
