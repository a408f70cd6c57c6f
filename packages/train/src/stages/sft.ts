import { withHead } from '@gram/model';
import { createChatEncoder } from '@gram/tokenize';
import { demonstrationEncoder } from '../encoding/encode.js';
import { supervisedFineTuning } from '../objectives/token-generation.js';
import { demonstrations } from './data-kinds.js';
import { defineStage, planOf } from './stage.js';

/** Supervised fine-tuning of a policy on demonstrations. */
export const sft = defineStage({
  name: 'sft',
  summary: 'Supervised fine-tuning: a policy that imitates demonstrations.',
  example: 'gram sft --preset smollm2-135m --set data.path=demonstrations.jsonl --set output=runs/policy',
  kind: 'policy',
  data: demonstrations,
  settings: {},
  presets: {
    paper: { optimizer: { learningRate: 2e-5 } },
    'qwen3-1.7b': { optimizer: { learningRate: 1e-5 } },
    'smollm2-135m': { optimizer: { learningRate: 1e-4 } },
    laptop: { optimizer: { learningRate: 5e-4 } },
  },
  head: (config) => withHead(config, 'next-token'),
  async plan(_settings, { encoding }) {
    const encoder = await createChatEncoder(encoding);
    return planOf(demonstrationEncoder(encoder), supervisedFineTuning);
  },
});
