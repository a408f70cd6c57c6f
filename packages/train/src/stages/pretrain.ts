import { withHead } from '@gram/model';
import { responsePairEncoder } from '../encoding/encode.js';
import { pairEncoderOf } from '../encoding/encoder-settings.js';
import { pairGeneration } from '../objectives/token-generation.js';
import { responsePairs } from './data-kinds.js';
import { defineStage, planOf } from './stage.js';

/** Stage 1 of GRAM: pretraining on pairs of responses without labels. */
export const pretrain = defineStage({
  name: 'pretrain',
  summary: 'Stage 1 of GRAM: learns to write pairs of responses, without labels.',
  example: 'gram pretrain --preset smollm2-135m --set data.path=pairs.jsonl --set output=runs/stage-1',
  kind: 'generative',
  data: responsePairs,
  settings: {},
  presets: {
    paper: { optimizer: { learningRate: 2e-5 } },
    'qwen3-1.7b': { optimizer: { learningRate: 1e-5 } },
    'smollm2-135m': { optimizer: { learningRate: 1e-4 } },
    laptop: { optimizer: { learningRate: 2e-3 } },
  },
  head: (config) => withHead(config, 'next-token'),
  async plan(_settings, context) {
    return planOf(responsePairEncoder(await pairEncoderOf(context)), pairGeneration);
  },
});
