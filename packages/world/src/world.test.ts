import { createRandom } from '@gram/base';
import { describe, expect, it } from 'vitest';
import { WorldError } from './error.js';
import {
  CAREFUL_MIXTURE,
  CARELESS_MIXTURE,
  DEMONSTRATION_MIXTURE,
  LABELED_MIXTURE,
  UNLABELED_MIXTURE,
} from './responses/mixtures.js';
import { QUALITIES } from './responses/writers.js';
import { createWorld, oracleAccuracy } from './world.js';

const world = createWorld({ seed: 1 });
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const wordCount = (text: string) => text.split(' ').length;
const families = [...world.inDistribution, ...world.outOfDistribution, ...world.adaptation];
const judged = {
  labeled: world.labeledPairs(1200),
  'in-distribution': world.testPairs('in-distribution', 1200),
  'out-of-distribution': world.testPairs('out-of-distribution', 1200),
  ...Object.fromEntries(world.adaptation.map((name) => [name, world.adaptationPairs(name, 'test', 800)])),
};

describe('tasks', () => {
  const tasks = (['in-distribution', 'out-of-distribution', 'adaptation-test'] as const).flatMap((split) =>
    world.tasks(split, 400),
  );

  it.each(families)('%s rewards the right answer and orders the grades', (name) => {
    const own = tasks.filter(({ family }) => family === name);
    const rewards = Object.fromEntries(
      QUALITIES.map((quality) => [
        quality,
        own.map((task) => task.reward(task.write(createRandom(1, task.id), quality))),
      ]),
    ) as Record<(typeof QUALITIES)[number], number[]>;
    expect(Math.min(...rewards.right)).toBeGreaterThanOrEqual(0.95);
    expect(Math.max(...rewards.wrong)).toBeLessThanOrEqual(0.4);
    expect(Math.max(...rewards.unsafe)).toBeLessThanOrEqual(0.1);
    expect(Math.max(...rewards.echo)).toBeLessThanOrEqual(0.1);
    expect(Math.max(...rewards.misformatted)).toBeLessThanOrEqual(0.75);
    const [right, padded, partial, wrong] = [
      rewards.right,
      rewards.padded,
      rewards.partial,
      rewards.wrong,
    ].map(mean);
    expect(right).toBeGreaterThan(padded as number);
    expect(padded).toBeGreaterThan(partial as number);
    expect(partial).toBeGreaterThan((wrong as number) + 0.15);
    expect(mean(rewards.padded)).toBeGreaterThan(mean(rewards.rambling));
  });

  it('rewards any text in [0, 1], and equal prompts equally', () => {
    const byPrompt = new Map<string, string>();
    for (const task of world.tasks('in-distribution', 1500)) {
      const rewards = [
        'yes.',
        'good.',
        '7.',
        'take the soap.',
        'sorry, i will not help.',
        '[]',
        'x '.repeat(500),
      ].map(task.reward);
      for (const reward of rewards) expect(reward >= 0 && reward <= 1).toBe(true);
      const known = byPrompt.get(task.prompt);
      if (known !== undefined) expect(rewards.join()).toBe(known);
      byPrompt.set(task.prompt, rewards.join());
    }
    expect(byPrompt.size).toBeLessThan(1500);
  });

  it('has short prompts and a small closed vocabulary', () => {
    const words = new Set(world.corpus(3000).flatMap((text) => text.match(/[a-z0-9]+/g) ?? []));
    expect(words.size).toBeGreaterThan(300);
    expect(words.size).toBeLessThan(500);
    expect(world.corpus(200).join('\n')).toMatch(/^[a-z0-9 .,:?'\n*#[\]/]+$/);
    for (const task of tasks) expect(wordCount(task.prompt)).toBeLessThan(40);
  });
});

describe('judged pairs', () => {
  it.each(Object.entries(judged))('%s: labels follow the oracle, length tells nothing', (_, pairs) => {
    const ceiling = oracleAccuracy(world, pairs);
    expect(ceiling).toBeGreaterThan(0.92);
    expect(ceiling).toBeLessThan(0.98);
    for (const measure of [wordCount, (text: string) => text.length]) {
      const longer = mean(
        pairs.map(({ chosen, rejected }) => Math.sign(measure(chosen) - measure(rejected)) / 2 + 0.5),
      );
      expect(Math.abs(longer - 0.5)).toBeLessThan(0.1);
    }
    expect(
      mean(pairs.map(({ prompt, chosen, rejected }) => wordCount(`${prompt} ${chosen} ${rejected}`))),
    ).toBeLessThan(46);
    for (const { id, chosen, rejected } of pairs.slice(0, 100)) {
      expect(world.reward(id, chosen)).not.toBe(world.reward(id, rejected));
    }
  });

  it('draws labels with the Bradley-Terry probability', () => {
    const beta = 3;
    const noisy = createWorld({ seed: 1, beta });
    const pairs = noisy.labeledPairs(2000);
    const expected = mean(
      pairs.map(({ id, chosen, rejected }) => {
        const margin = Math.abs(noisy.reward(id, chosen) - noisy.reward(id, rejected));
        return 1 / (1 + Math.exp(-beta * margin));
      }),
    );
    expect(Math.abs(oracleAccuracy(noisy, pairs) - expected)).toBeLessThan(0.025);
  });
});

describe('splits', () => {
  it('hold whole families out', () => {
    const seen = (list: readonly { family?: string }[]) => [...new Set(list.map(({ family }) => family))];
    expect(seen(judged.labeled)).toEqual(world.inDistribution);
    expect(seen(world.unlabeledPairs(50))).toEqual(world.inDistribution);
    expect(seen(judged['out-of-distribution'])).toEqual(world.outOfDistribution);
    expect(seen(createWorld({ seed: 1, families: 'all' }).unlabeledPairs(50))).toEqual(families);
    expect(seen(world.demonstrations(50))).toEqual(world.inDistribution);
    for (const split of ['policy', 'policy-validation', 'policy-test'] as const) {
      expect(seen(world.prompts(split, 50))).toEqual(world.inDistribution);
    }
    expect(new Set(families).size).toBe(14);
  });
});

describe('createWorld', () => {
  it('is a function of the seed, and shorter lists are prefixes', () => {
    expect(createWorld({ seed: 1 }).labeledPairs(40)).toEqual(judged.labeled.slice(0, 40));
    expect(createWorld({ seed: 2 }).labeledPairs(40)).not.toEqual(judged.labeled.slice(0, 40));
    expect(world.unlabeledPairs(10)).toEqual(world.unlabeledPairs(30).slice(0, 10));
    expect(world.demonstrations(10)).toEqual(world.demonstrations(30).slice(0, 10));
    expect(world.lists('out-of-distribution', 3, 6)).toEqual(
      world.lists('out-of-distribution', 5, 6).slice(0, 3),
    );
  });

  it('gives unlabeled pairs of two different, mostly good responses', () => {
    const pairs = world.unlabeledPairs(800);
    for (const { responses } of pairs) expect(responses[0]).not.toBe(responses[1]);
    const rewards = pairs.flatMap(({ id, responses }) =>
      responses.map((response) => world.reward(id, response)),
    );
    expect(mean(rewards)).toBeGreaterThan(0.65);
    expect(mean(rewards.map((reward) => (reward < 0.1 ? 1 : 0)))).toBeLessThan(0.15);
  });

  it.each([
    // Equal responses are drawn again, so that after a good one a bad one is a little likelier.
    ['independent', -0.25, -0.05],
    ['consistent', 0.35, 0.6],
  ] as const)('draws pairs of %s writers from the same mixture', (writers, low, high) => {
    const other = createWorld({ seed: 1, writers });
    const rewards = other
      .unlabeledPairs(1600)
      .map(({ id, responses }) => responses.map((text) => other.reward(id, text)));
    const all = rewards.flat();
    expect(Math.abs(mean(all) - 0.77)).toBeLessThan(0.02);
    const spread = mean(all.map((reward) => (reward - mean(all)) ** 2));
    const shared = mean(rewards.map(([a = 0, b = 0]) => (a - mean(all)) * (b - mean(all))));
    expect(shared / spread).toBeGreaterThan(low);
    expect(shared / spread).toBeLessThan(high);
  });

  it('gives demonstrations that leave room to do better', () => {
    const rewards = world.demonstrations(1600).map(({ id, response }) => world.reward(id, response));
    expect(mean(rewards)).toBeGreaterThan(0.61);
    expect(mean(rewards)).toBeLessThan(0.69);
    expect(mean(rewards.map((reward) => (reward > 0.95 ? 1 : 0)))).toBeGreaterThan(0.37);
    expect(mean(rewards.map((reward) => (reward > 0.95 ? 1 : 0)))).toBeLessThan(0.47);
  });

  it('gives the prompts of the tasks of a split', () => {
    const tasks = world.tasks('policy', 20).map(({ id, prompt, family }) => ({ id, prompt, family }));
    expect(world.prompts('policy', 20)).toEqual(tasks);
    expect(world.prompts('sft', 20).map(({ id }) => id)).toEqual(
      world.demonstrations(20).map(({ id }) => id),
    );
  });

  it('gives lists with their rewards, from bad to good', () => {
    for (const { id, responses, rewards = [] } of world.lists('in-distribution', 16, 11)) {
      expect(responses).toHaveLength(11);
      expect(rewards).toEqual(responses.map((response) => world.reward(id, response)));
      expect(Math.max(...rewards)).toBeGreaterThan(0.9);
      expect(Math.min(...rewards)).toBeLessThan(0.1);
    }
  });

  it('has mixtures that sum to 1', () => {
    const mixtures = [
      LABELED_MIXTURE,
      UNLABELED_MIXTURE,
      DEMONSTRATION_MIXTURE,
      CAREFUL_MIXTURE,
      CARELESS_MIXTURE,
    ];
    for (const mixture of mixtures) {
      for (const [, share] of mixture) expect(share).toBeGreaterThan(0);
      expect(mixture.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 9);
    }
  });

  it('names what it does not know', () => {
    const wrong = [
      () => world.reward('labeled/arithmetic', 'x'),
      () => world.reward('constructor/arithmetic/0', 'x'),
      () => world.reward('labeled/nothing/0', 'x'),
      () => world.adaptationPairs('arithmetic', 'train', 1),
      () => world.tasks('labeled', -1),
      () => createWorld({ seed: 1, beta: Number.NaN }),
      () => createWorld({ seed: Number.NaN }).tasks('labeled', 1),
    ];
    for (const call of wrong) expect(call).toThrow(WorldError);
  });
});
