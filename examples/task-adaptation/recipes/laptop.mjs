import { laptopJudges } from '@gram-examples/common/recipes';

/** The study on two cores in about ten minutes. A unit of task labels is small here: compare the curves. */
export const laptop = {
  ...laptopJudges,
  name: 'laptop',
  /** Each seed has models and labels of its own; all judge the same test pairs. */
  seeds: [21, 22, 23],
  /** Tasks that no label of the judges is about. */
  tasks: ['summary', 'harmlessness'],
  /** Labels of a task, in units of `unit`. */
  units: [0, 1, 3, 5, 7, 10],
  unit: 40,
  data: {
    ...laptopJudges.data,
    /** Labels of other tasks: few, as for a judge of a field that has hardly any. */
    labeled: 1000,
    /** All labeled pairs of each task; stage 1 on the task reads them without their labels. */
    task: { summary: 2000, harmlessness: 2000 },
    test: 400,
  },
  taskStage1: laptopJudges.stage1,
  /** The same for every model. */
  adaptation: { ...laptopJudges.stage2, learningRate: 5e-4, epochs: 3 },
  /** Declared before the study was run: what stage 1 changes with three units of labels, over both tasks. */
  primary: { arms: ['GRAM', 'without stage 1'], units: 3 },
};
