/**
 * What each way to rank gives for its comparisons, in the synthetic world with judges of three degrees of noise.
 *
 *     npm run setup && node packages/reward/tools/ranking-study.mjs [DIRECTORY]
 *
 * Writes ranking-study.md with its charts to packages/reward/docs, or to the directory. About half a minute on one core.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@gram/base';
import { rankAll, swiss } from '@gram/reward';
import { createWorld } from '@gram/world';
import { accuracyOf, gain, judged, mean, noisyJudge, summary } from './ranking-study/measure.mjs';
import { charts, report } from './ranking-study/report.mjs';

const SEED = 1;
const LISTS = 200;
const SIZES = [4, 8, 16, 32];
const LEVELS = [
  { name: 'low', temperature: 0.1, bias: 0.2, noise: 1 },
  { name: 'medium', temperature: 0.1, bias: 0.4, noise: 3 },
  { name: 'high', temperature: 0.1, bias: 0.6, noise: 6 },
];
const named = (strategy) => ({ name: strategy, rank: (judge, items) => rankAll(judge, items, { strategy }) });
const STRATEGIES = [
  named('linear-scan'),
  named('knockout'),
  named('merge-sort'),
  {
    name: 'swiss, fewer rounds',
    rank: (judge, items) =>
      swiss(judge, items, { rounds: Math.ceil(Math.log2(items[0].responses.length)) + 1 }),
  },
  named('swiss'),
  named('round-robin'),
];
/** What `auto` and the number of rounds were decided by: two strategies, and the measure. */
const CONTESTS = [
  ['knockout', 'linear-scan', 'best'],
  ['swiss', 'knockout', 'best'],
  ['round-robin', 'swiss', 'best'],
  ['swiss, fewer rounds', 'merge-sort', 'tau'],
  ['swiss', 'swiss, fewer rounds', 'tau'],
  ['round-robin', 'swiss', 'tau'],
];

const lists = createWorld({ seed: SEED }).lists('in-distribution', LISTS, Math.max(...SIZES));
const levels = [];
for (const level of LEVELS) {
  const judge = noisyJudge(lists, level, SEED);
  const sizes = [];
  for (const n of SIZES) sizes.push(await measure(judge, level, n));
  levels.push({
    ...level,
    accuracy: await accuracyOf(
      judge,
      lists.map((list) => head(list, 16)),
    ),
    sizes,
  });
}
const directory = process.argv[2] ?? fileURLToPath(new URL('../docs', import.meta.url));
mkdirSync(directory, { recursive: true });
for (const [name, text] of Object.entries({ ...charts(levels), 'ranking-study.md': report(levels, LISTS) })) {
  writeFileSync(join(directory, name), text);
}

async function measure(judge, level, n) {
  const shorter = lists.map((list) => head(list, n));
  const results = {};
  for (const { name, rank } of STRATEGIES) {
    const rankings = await rank(judge, shorter);
    results[name] = rankings.map((ranking, i) => judged(ranking, shorter[i].rewards));
  }
  const random = (...names) => createRandom(SEED, 'interval', level.name, n, ...names);
  const rows = Object.entries(results).map(([name, each]) => ({
    name,
    comparisons: mean(each.map(({ comparisons }) => comparisons)),
    rounds: Math.max(...each.map(({ rounds }) => rounds)),
    quality: summary(each, 'quality', random(name, 'quality')),
    best: summary(each, 'best', random(name, 'best')),
    tau: summary(each, 'tau', random(name, 'tau')),
  }));
  const gains = CONTESTS.map(([one, other, measured]) => {
    return gain(results[one], results[other], measured, random(one, other, measured));
  });
  return {
    n,
    top: mean(shorter.map(({ rewards }) => Math.max(...rewards))),
    rows,
    gains,
    contests: CONTESTS,
  };
}

function head({ prompt, responses, rewards }, n) {
  return { prompt, responses: responses.slice(0, n), rewards: rewards.slice(0, n) };
}
