import { tinyJudges } from '@gram-examples/common/recipes';
import { laptop } from './laptop.mjs';

/** Seconds, to see that the study runs. */
export const tiny = {
  ...laptop,
  ...tinyJudges,
  name: 'tiny',
  seeds: [1, 2],
  data: { ...tinyJudges.data, labeled: 16, demonstrations: 16, prompts: 16, validation: 4, test: 8 },
  ppo: { ...laptop.ppo, steps: 3, valueOnlySteps: 1, batchSize: 4, maxNewTokens: 6, evaluateEvery: 2 },
  bestOfN: { prompts: 3, samples: 4, sizes: [1, 2, 4] },
  primary: { ...laptop.primary, n: 4 },
};
