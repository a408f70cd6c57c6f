import { bootstrapInterval, createRandom, mean, pairedBootstrap } from '@gram/base';
import { lineChart, page } from '@gram/report';
import { WORLD_NOTE } from '@gram-examples/common/output';

const three = (value) => value.toFixed(3);
const range = ([low, high]) => `${three(low)} to ${three(high)}`;
const random = (...stream) => createRandom(0, 'rlhf report', ...stream);

/** Puts the seeds together. Differences are paired by prompt: what is hard about a prompt cancels. */
export function summarize(outcomes) {
  const start = outcomes.flatMap(({ start }) => start.rewards.oracle);
  const runs = outcomes[0].results.map(({ name, judge }, i) => {
    const each = outcomes.map(({ results }) => results[i].best);
    const oracle = each.flatMap(({ rewards }) => rewards.oracle);
    const gain = pairedBootstrap(oracle, start, random(name));
    return {
      name,
      judge,
      oracle: mean(oracle),
      interval: bootstrapInterval(oracle, random(name, 'oracle')),
      gain,
      proxy: mean(each.flatMap(({ rewards }) => rewards.proxy)),
      kl: mean(each.flatMap(({ kl }) => kl)),
      bySeed: each.map(({ rewards }) => mean(rewards.oracle)),
      steps: each.map(({ step }) => step),
      values: oracle,
    };
  });
  const [two, ...others] = runs;
  const compared = others.map((other) => {
    const { difference, interval } = pairedBootstrap(two.values, other.values, random(two.name, other.name));
    return `${two.name} minus ${other.name}: ${three(difference)} (95 % interval ${range(interval)}).`;
  });
  const { difference, interval } = two.gain;
  const verdict = interval[0] > 0 ? 'rises' : interval[1] < 0 ? 'falls' : 'does not change beyond doubt';
  return {
    start: {
      oracle: mean(start),
      interval: bootstrapInterval(start, random('start')),
      bySeed: outcomes.map(({ start: own }) => mean(own.rewards.oracle)),
    },
    runs,
    bestOfN: averageCurves(outcomes),
    sentences: [
      `With the reward of the two-stage model the oracle reward ${verdict}: ${three(difference)} over supervised fine-tuning (95 % interval ${range(interval)}).`,
      ...compared,
    ],
  };
}

/** Averages the best-of-n curves over the seeds; the interval is the mean of theirs. */
function averageCurves(outcomes) {
  return Object.fromEntries(
    Object.keys(outcomes[0].bestOfN).map((judge) => [
      judge,
      outcomes[0].bestOfN[judge].map(({ n, kl }, i) => {
        const points = outcomes.map(({ bestOfN }) => bestOfN[judge][i]);
        const average = (of) => mean(points.map(of));
        return {
          n,
          kl,
          proxy: average(({ proxy }) => proxy.mean),
          gold: average(({ gold }) => gold.mean),
          low: average(({ gold }) => gold.interval[0]),
          high: average(({ gold }) => gold.interval[1]),
        };
      }),
    ]),
  );
}

/** Puts the runs into one table, for the terminal and for the page. */
export function resultTable({ start, runs }) {
  const right = (name) => ({ name, align: 'right' });
  return {
    columns: [
      { name: 'policy' },
      right('oracle reward'),
      right('gain (95 % interval)'),
      right('proxy'),
      right('KL'),
      right('by seed'),
      right('best after'),
    ],
    rows: [
      [
        'supervised fine-tuning',
        `${three(start.oracle)} (${range(start.interval)})`,
        '',
        '',
        '0',
        start.bySeed.map(three).join(', '),
        '',
      ],
      ...runs.map(({ name, oracle, interval, gain, proxy, kl, bySeed, steps }) => [
        name,
        `${three(oracle)} (${range(interval)})`,
        `${three(gain.difference)} (${range(gain.interval)})`,
        three(proxy),
        kl.toFixed(2),
        bySeed.map(three).join(', '),
        `${steps.join(', ')} steps`,
      ]),
    ],
    caption:
      'Held-out prompts, one response each. Oracle: the true reward. Proxy: the probability, by the reward model of the run, to beat the greedy response of the policy after supervised fine-tuning. KL to that policy in nats a response. Each policy is the one that its own reward model liked best on the validation prompts.',
  };
}

/** Puts the curves of best-of-n into a table. */
export function bestOfNTable({ bestOfN }) {
  const names = Object.keys(bestOfN);
  const right = (name) => ({ name, align: 'right' });
  return {
    columns: [right('n'), right('KL bound'), ...names.map((name) => right(`oracle, ${name}`))],
    rows: bestOfN[names[0]].map(({ n, kl }, i) => [
      n,
      kl.toFixed(2),
      ...names.map((name) => {
        const { gold, low, high } = bestOfN[name][i];
        return `${three(gold)} (${three(low)} to ${three(high)})`;
      }),
    ]),
    caption: 'Best of n samples of the policy after supervised fine-tuning, by each reward model.',
  };
}

/** Makes the whole page. */
export function reportPage({ recipe, outcomes, summary, seconds }) {
  const { ppo, data, seeds } = recipe;
  return page({
    title: `RLHF with three reward models (${recipe.name})`,
    subtitle: `${seeds.length} seeds, ${ppo.steps} steps of ${ppo.batchSize} responses, ${data.test} held-out prompts a seed, ${Math.round(seconds / 60)} minutes`,
    sections: [
      {
        heading: 'Result',
        paragraphs: [...summary.sentences, WORLD_NOTE],
        tables: [resultTable(summary)],
      },
      ...curveSections(policyCurves(outcomes), summary),
      {
        heading: 'Samples',
        paragraphs: ['Responses of the first seed to held-out prompts; the number is the oracle reward.'],
        cards: sampleCards(outcomes[0]),
      },
    ],
  });
}

/** Gives the curve of each policy over its steps, with means over the prompts of all seeds. */
function policyCurves(outcomes) {
  return outcomes[0].results.map(({ name, curve }, run) => ({
    name,
    points: curve.map((_, i) => {
      const at = outcomes.map(({ results }) => results[run].curve[i]);
      const [{ step }] = at;
      const [oracle, proxy, kl] = ['oracle', 'proxy', 'kl'].map((key) => at.flatMap((point) => point[key]));
      const interval = bootstrapInterval(oracle, random(name, 'curve', step));
      return { step, kl: mean(kl), oracle: mean(oracle), proxy: mean(proxy), interval };
    }),
  }));
}

/** Draws the curves over the steps, over the KL, and best-of-n beside them. */
function curveSections(curves, summary) {
  const over = (x, y) =>
    curves.map(({ name, points }) => ({
      name,
      marks: true,
      points: points.map((point) => [point[x], point[y]]),
      ...(y === 'oracle' && { band: points.map((point) => [point[x], ...point.interval]) }),
    }));
  const chosen = (value) =>
    Object.entries(summary.bestOfN).map(([judge, points]) => ({
      name: `best of n, ${judge}`,
      marks: true,
      points: points.map((point) => [point.kl, point[value]]),
      ...(value === 'gold' && { band: points.map(({ kl, low, high }) => [kl, low, high]) }),
    }));
  const chart = (title, xLabel, yLabel, series) => ({ svg: lineChart({ title, xLabel, yLabel, series }) });
  const first = 'probability to beat the first policy';
  const greedy = 'probability to beat the greedy response';
  return [
    {
      heading: 'Over the steps',
      paragraphs: [
        'A proxy that rises while the oracle falls is a reward that is being exploited. Means over the prompts of all seeds; bands are 95 % intervals.',
      ],
      figures: [
        chart('Oracle reward', 'step', 'oracle reward', over('step', 'oracle')),
        chart('Proxy reward', 'step', first, over('step', 'proxy')),
        chart('KL to the first policy', 'step', 'nats a response', over('step', 'kl')),
      ],
    },
    {
      heading: 'Over the KL, beside best-of-n',
      paragraphs: [
        'The KL of best-of-n is its bound, log n - (n - 1) / n. Bands are 95 % intervals over prompts.',
      ],
      figures: [
        chart('Oracle reward of the policies', 'KL, nats', 'oracle reward', over('kl', 'oracle')),
        chart('Proxy reward of the policies', 'KL, nats', first, over('kl', 'proxy')),
        chart('Best of n, oracle reward', 'KL, nats', 'oracle reward', chosen('gold')),
        chart('Best of n, proxy reward', 'KL, nats', greedy, chosen('proxy')),
      ],
      tables: [bestOfNTable(summary)],
    },
  ];
}

function sampleCards({ test, start, results }) {
  return test.slice(0, 8).map(({ prompt, family }, i) => ({
    title: family,
    prompt,
    responses: [
      { text: start.responses[i], score: start.rewards.oracle[i], remark: 'supervised fine-tuning' },
      ...results.map(({ name, best }) => ({
        text: best.responses[i],
        score: best.rewards.oracle[i],
        remark: name,
      })),
    ].sort((a, b) => b.score - a.score),
  }));
}
