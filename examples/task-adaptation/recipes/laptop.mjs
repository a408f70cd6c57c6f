import { laptopJudges } from '@gram-examples/common/recipes';

/** The study on two cores in about ten minutes. A unit of task labels is small here: compare the curves. */
export const laptop = {
  ...laptopJudges,
  name: 'laptop',
  /** Judges by likelihood: at this size the label A or B does not read out what stage 1 has learned. */
  kind: 'likelihood',
  /** Each seed has models and labels of its own; all judge the same test pairs. */
  seeds: [31, 32, 33],
  /** Tasks that no label of the judges is about. */
  tasks: ['summary', 'harmlessness'],
  /** Labels of a task, in units of `unit`. */
  units: [0, 1, 3, 5, 7, 10],
  unit: 40,
  data: {
    ...laptopJudges.data,
    /** Labels of other tasks: few, as for a judge of a field that has hardly any. */
    labeled: 300,
    /** All labeled pairs of each task; stage 1 on the task reads them without their labels. */
    task: { summary: 1000, harmlessness: 1000 },
    test: 400,
  },
  taskStage1: laptopJudges.stage1,
  /** The same for every model. */
  adaptation: laptopJudges.likelihood,
  /** Declared before the study was run: what stage 1 changes with three units of labels, over both tasks. */
  primary: { arms: ['stage 1', 'without stage 1'], units: 3 },
};
