import { tinyJudges } from '@gram-examples/common/recipes';
import { laptop } from './laptop.mjs';

/** Seconds, to see that the study runs. */
export const tiny = {
  ...laptop,
  ...tinyJudges,
  name: 'tiny',
  seeds: [1, 2],
  data: { ...tinyJudges.data, labeled: [12, 24], test: 16 },
  primary: { ...laptop.primary, labels: 24, seeds: [1, 2, 3] },
  lists: { prompts: 2, size: 3 },
};
