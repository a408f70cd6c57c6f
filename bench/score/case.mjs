/**
 * Judges pairs, and ranks a list, in a process of its own so that its peak of memory is its own:
 *
 *     node bench/score/case.mjs MODEL PRECISION TASK.json
 *
 * Pairs and list are token ids, as the other systems get them. Prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { openModel } from '@gram/model';
import { createGenerativeRewardModel } from '@gram/reward';

const [path, precision, taskPath] = process.argv.slice(2);
const { pairs, labels, list } = JSON.parse(readFileSync(taskPath, 'utf8'));
const { config, weights } = await openModel(path, { precision });
/** Texts that stand for the ids that they name. */
const encoder = {
  labelIds: labels,
  comparison: async ({ a }) => ({ ids: JSON.parse(a), truncated: false, neutralized: false }),
};
const model = createGenerativeRewardModel({ config, weights, encoder });
const itemOf = ([ab, ba]) => ({ prompt: '', a: JSON.stringify(ab), b: JSON.stringify(ba) });
const probabilities = async (items) => (await model.compare(items)).map(({ probability }) => probability);
const timed = async (run) => {
  const start = performance.now();
  return { value: await run(), seconds: (performance.now() - start) / 1000 };
};

const items = pairs.map(itemOf);
await probabilities(items.slice(0, 2));
const all = await timed(() => probabilities(items));
const peakMemory = process.resourceUsage().maxRSS * 1024;

// Every response of the list against every other in one call, and every eighth pair of them alone.
const games = list.map(itemOf);
const together = await timed(() => probabilities(games));
const some = games.map((_, i) => i).filter((i) => i % 8 === 0);
const one = await timed(async () => {
  const found = [];
  for (const i of some) found.push(...(await probabilities([games[i]])));
  return found;
});
model.dispose();
const apart = some.reduce((most, i, n) => Math.max(most, Math.abs(together.value[i] - one.value[n])), 0);
console.log(
  JSON.stringify({
    seconds: all.seconds,
    probabilities: all.value,
    peakMemory,
    listSeconds: together.seconds,
    oneByOneSeconds: (one.seconds * games.length) / some.length,
    listDiffers: apart,
  }),
);
