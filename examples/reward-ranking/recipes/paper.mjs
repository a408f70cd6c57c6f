import { paperBase } from '@gram-examples/common/recipes';

/** Pair-wise ranking as in the paper (GRAM, the study of reward ranking); out of distribution stands RewardBench. */
export const paper = {
  ...paperBase,
  known: { ...paperBase.known, 'data.test': 'paper' },
  source: {
    ...paperBase.source,
    tests: {
      'in-distribution': { path: 'unified-feedback-val.jsonl.gz', format: 'preference' },
      'out-of-distribution': { path: 'reward-bench.jsonl.gz', format: 'preference' },
    },
  },
  seed: 1,
  data: { ...paperBase.data, test: 1000 },
};
