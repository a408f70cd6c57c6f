import { ARMS } from '@gram-examples/common/judges';
import { paperBase } from '@gram-examples/common/recipes';

const { data, known, source, ...base } = paperBase;

/** Pair-wise ranking as in the paper (GRAM, the study of reward ranking); out of distribution stands RewardBench. */
export const paper = {
  ...base,
  known: { ...known, 'data.test': 'paper' },
  source: {
    ...source,
    tests: {
      'in-distribution': { path: 'unified-feedback-val.jsonl.gz', format: 'preference' },
      'out-of-distribution': { path: 'reward-bench.jsonl.gz', format: 'preference' },
    },
  },
  arms: ARMS.filter(({ kind }) => kind !== 'likelihood').map(({ name }) => name),
  seeds: [1],
  data: { ...data, labeled: [data.labeled], test: 1000 },
};
