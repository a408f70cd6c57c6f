import { inOrder } from '@gram-examples/common/grid/stage';

/**
 * Measures what the stages of a plan took, by kind: processor time, and tokens of training or pairs of tests. A run that went on
 * from a checkpoint is left out, because its time is that of its last part alone.
 *
 * @param savedOf gives what is kept of a stage, or undefined where it was not computed
 * @returns for each kind of stage the number of stages, their `count` and processor seconds
 */
export function costsOf(cells, savedOf) {
  const costs = {};
  for (const stage of inOrder(cells.flatMap(({ tests }) => Object.values(tests)))) {
    const saved = savedOf(stage);
    const count = saved?.result.tokens ?? saved?.result.correct?.length;
    if (count === undefined || saved.result.resumedAt > 0) continue;
    const { form, readout } = stage.inputs;
    const name = `${stage.kind}, ${form ?? readout}`;
    const { stages = 0, count: before = 0, cpuSeconds = 0 } = costs[name] ?? {};
    costs[name] = {
      stages: stages + 1,
      count: before + count,
      cpuSeconds: cpuSeconds + saved.cpuSeconds,
    };
  }
  return costs;
}
