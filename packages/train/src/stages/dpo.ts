import { withHead } from '@gram/model';
import { createChatEncoder } from '@gram/tokenize';
import { z } from 'zod';
import { policyPairEncoder } from '../encoding/encode.js';
import { directPreference } from '../objectives/direct-preference.js';
import { preferencePairs } from './data-kinds.js';
import { completedPlanOf, defineStage } from './stage.js';

/** Direct preference optimization of a policy. */
export const dpo = defineStage({
  name: 'dpo',
  summary: 'Direct preference optimization: a policy learns from pairs, without a reward model.',
  example: 'gram dpo --preset smollm2-135m --set data.path=pairs.jsonl --set output=runs/policy',
  kind: 'policy',
  data: preferencePairs,
  settings: {
    beta: z
      .number()
      .positive()
      .default(0.1)
      .describe('how closely the policy of `dpo` stays to its start; higher is closer'),
  },
  smoothing: 0,
  presets: {
    paper: { optimizer: { learningRate: 1e-6 } },
    'qwen3-1.7b': { optimizer: { learningRate: 1e-6 } },
    'smollm2-135m': { optimizer: { learningRate: 5e-6 } },
    laptop: { optimizer: { learningRate: 1e-4 } },
  },
  head: (config) => withHead(config, 'next-token'),
  async plan({ beta, paperSmoothing }, { encoding, compare }) {
    const encoder = await createChatEncoder(encoding);
    const objective = directPreference({ beta, labelSmoothing: paperSmoothing });
    return completedPlanOf(policyPairEncoder(encoder), compare, objective);
  },
});
