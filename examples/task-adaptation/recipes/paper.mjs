import { paperBase, paperTraining } from '@gram-examples/common/recipes';

/**
 * Task adaptation as in the paper (GRAM, section on adaptation): the summaries of Stiennon et al. 2020 and the harmlessness
 * pairs of Bai et al. 2022.
 */
export const paper = {
  ...paperBase,
  known: {
    ...paperBase.known,
    tasks: 'paper (harmlessness: our reading)',
    units: 'paper',
    unit: 'paper',
    'data.task.summary': 'paper',
  },
  source: {
    ...paperBase.source,
    tasks: {
      summary: {
        train: { path: 'summaries-train.jsonl.gz', format: 'preference' },
        test: { path: 'summaries-test.jsonl.gz', format: 'preference' },
      },
      harmlessness: {
        train: { path: 'harmless-base-train.jsonl.gz', format: 'hh-rlhf' },
        test: { path: 'harmless-base-test.jsonl.gz', format: 'hh-rlhf' },
      },
    },
  },
  /** GRAM answers with the label A or B. */
  kind: 'generative',
  seeds: [1, 2],
  tasks: ['summary', 'harmlessness'],
  units: [0, 1, 3, 5, 7, 10],
  unit: 1000,
  data: { ...paperBase.data, task: { summary: 92_000, harmlessness: 42_000 }, test: 2000 },
  taskStage1: paperBase.stage1,
  adaptation: {
    ...paperTraining,
    learningRate: 1e-5,
    epochs: 1,
    batchSize: 128,
    microBatchSize: 4,
    labelSmoothing: 0.1,
  },
  primary: { arms: ['stage 1', 'without stage 1'], units: 3 },
};
