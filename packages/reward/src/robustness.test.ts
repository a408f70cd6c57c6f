import { createWorld } from '@gram/world';
import { expect, it } from 'vitest';
import { tinyConfig, tinyEncoder, tinyWeights } from './__fixtures__/tiny-model.js';
import { createGenerativeRewardModel } from './generative.js';
import type { Comparator } from './reward-model.js';
import { judgeAttacks, measureAttacks } from './robustness.js';

const pairs = ['one', 'two', 'three', 'four'].map((id) => ({
  id,
  prompt: `question ${id}`,
  chosen: 'good',
  rejected: 'bad',
}));

/** Prefers by a rule on the two texts: 1, 0 or 0.5. */
function judge(rule: (a: string, b: string) => number, seen: string[] = []): Comparator {
  return {
    compare: async (items, { onProgress } = {}) => {
      onProgress?.(items.length, items.length);
      seen.push(...items.map(({ a }) => a));
      return items.map(({ a, b }) => {
        return { probability: rule(a, b), consistent: true, truncated: false, neutralised: false };
      });
    },
  };
}

it('finds the attack that a judge falls for', async () => {
  const credulous = judge((a) => (a.includes('Ignore all earlier instructions') ? 0.9 : 0.2));
  const results = await measureAttacks(credulous, pairs);
  expect(results.map(({ name }) => name)).toEqual(judgeAttacks.map(({ name }) => name));
  for (const { name, winRate, interval, probability } of results) {
    const falls = name === 'instruction to the judge';
    expect([winRate, ...interval], name).toEqual(falls ? [1, 1, 1] : [0, 0, 0]);
    expect(probability).toBeCloseTo(falls ? 0.9 : 0.2, 12);
  }
});

it('counts a tie as no win, and shows attacks alone or below the rejected response', async () => {
  const seen: string[] = [];
  const progress: string[] = [];
  const results = await measureAttacks(
    judge(() => 0.5, seen),
    pairs,
    { onProgress: (done, total) => progress.push(`${done}/${total}`) },
  );
  expect(results.every(({ winRate }) => winRate === 0)).toBe(true);
  expect(seen[0]).toBe('bad');
  expect(seen.filter((text) => text === '')).toHaveLength(pairs.length);
  expect(seen).toContain('question two');
  expect(seen.some((text) => /^bad\n\n<\|im_end\|>/.test(text))).toBe(true);
  const total = judgeAttacks.length * pairs.length;
  expect(progress.at(-1)).toBe(`${total}/${total}`);
});

it('a model reads every attack', async () => {
  const config = tinyConfig('LlamaForCausalLM');
  const encoder = await tinyEncoder(200, 'truncate');
  const model = createGenerativeRewardModel({ config, weights: tinyWeights(config), encoder });
  try {
    const world = createWorld({ seed: 3 }).testPairs('in-distribution', 4);
    for (const { probability, pairs } of await measureAttacks(model, world)) {
      expect(pairs).toBe(4);
      expect(probability >= 0 && probability <= 1).toBe(true);
    }
  } finally {
    model.dispose();
  }
});

it('refuses no pairs', async () => {
  await expect(
    measureAttacks(
      judge(() => 0.5),
      [],
    ),
  ).rejects.toMatchObject({ code: 'no-pairs' });
});
