import { tinyJudges } from '@gram-examples/common/recipes';
import { laptop } from './laptop.mjs';

/** Seconds, to see that the study runs. */
export const tiny = {
  ...laptop,
  ...tinyJudges,
  name: 'tiny',
  seeds: [1, 2],
  units: [0, 3],
  unit: 4,
  data: { ...tinyJudges.data, labeled: 16, task: { summary: 16, harmlessness: 20 }, test: 8 },
  adaptation: { ...laptop.adaptation, epochs: 1 },
};
