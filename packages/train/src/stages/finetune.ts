import { withHead } from '@gram/model';
import { z } from 'zod';
import { preferenceEncoder } from '../encoding/encode.js';
import { pairEncoderOf } from '../encoding/encoder-settings.js';
import { preference } from '../objectives/preference.js';
import { preferencePairs } from './data-kinds.js';
import { defineStage, planOf } from './stage.js';

/** Stage 2 of GRAM: fine-tuning on the labels of preferences. */
export const finetune = defineStage({
  name: 'finetune',
  summary:
    'Stage 2 of GRAM: learns the label of the better response; or the stage that the configuration says.',
  example: 'gram finetune --config preference.yaml --set output=runs/two',
  runsOthers: true,
  kind: 'generative',
  data: preferencePairs,
  settings: {
    vocabulary: z
      .enum(['labels', 'full'])
      .default('labels')
      .describe('tokens over which the probability of the label is normalized, for `finetune`'),
  },
  smoothing: 0.1,
  presets: {
    paper: { optimizer: { learningRate: 1e-5 }, labelSmoothing: 0.1, smoothingConvention: 'paper' },
    'qwen3-1.7b': {
      labelSmoothing: 0.1,
      smoothingConvention: 'uniform-mix',
      optimizer: { learningRate: 2e-5, batchSize: 128, microBatchSize: 4, epochs: 2 },
    },
    'smollm2-135m': { labelSmoothing: 0.1, optimizer: { learningRate: 5e-5 } },
    laptop: { labelSmoothing: 0.1, optimizer: { learningRate: 5e-4 } },
  },
  head: (config) => withHead(config, 'next-token'),
  async plan({ seed, vocabulary, paperSmoothing, optimizer }, context) {
    const encoder = await pairEncoderOf(context);
    return planOf(
      preferenceEncoder(encoder, { seed, bothOrders: optimizer.epochs > 1 }),
      preference({ labels: encoder.labelIds, labelSmoothing: paperSmoothing, vocabulary }),
    );
  },
});
