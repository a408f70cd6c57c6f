import { judgeAttacks, measureAttacks } from '@gram/ranking';
import { createWorld } from '@gram/world';
import { expect, it } from 'vitest';
import { tinyConfig, tinyEncoder, tinyWeights } from '../__fixtures__/tiny-model.js';
import { createGenerativeRewardModel } from './generative.js';
import { judgePromptAttacks } from './prompt-attacks.js';

it('a model reads every attack', async () => {
  const config = tinyConfig('LlamaForCausalLM');
  const encoder = await tinyEncoder(200, 'truncate');
  const model = createGenerativeRewardModel({ config, weights: tinyWeights(config), encoder });
  try {
    const world = createWorld({ seed: 3 }).testPairs('in-distribution', 4);
    const attacks = [...judgeAttacks, ...judgePromptAttacks];
    for (const { probability, pairs } of await measureAttacks(model, world, { attacks })) {
      expect(pairs).toBe(4);
      expect(probability >= 0 && probability <= 1).toBe(true);
    }
  } finally {
    model.dispose();
  }
});
