import { detectable, difference, estimate } from '@gram-examples/common/estimates';
import { ARMS, ORACLE } from './study.mjs';

/** Pairs of arms whose difference answers a question of the paper. */
const COMPARED = [
  ['stage 1', 'without stage 1'],
  ['stage 1', 'base'],
  ['stage 1 on the task', 'base'],
];

/**
 * Puts the seeds together. All models judge the same pairs of a task, so that a difference of two is taken pair by pair and seed
 * by seed; its interval covers other seeds and other pairs of the same kind.
 *
 * @param resultOf gives the result of a stage
 */
export function summarize({ seeds, tasks, units, primary }, { cells }, resultOf) {
  const valuesOf = (task, arm, count) =>
    cells
      .filter((cell) => cell.task === task && cell.arm === arm && cell.units === count)
      .map(({ test }) => resultOf(test).correct);
  const points = tasks.flatMap((task) =>
    ARMS.flatMap(({ name: arm }) =>
      units.map((count) => ({ task, arm, units: count, ...estimate(valuesOf(task, arm, count)) })),
    ),
  );
  const oracles = tasks.map((task) => ({ task, ...estimate(valuesOf(task, ORACLE)) }));
  const effects = tasks.flatMap((task) =>
    units.flatMap((count) =>
      COMPARED.map((arms) => {
        const [first, second] = arms.map((arm) => valuesOf(task, arm, count));
        return { task, units: count, arms, ...difference(first, second) };
      }),
    ),
  );
  // The pairs of both tasks are items of one comparison.
  const [first, second] = primary.arms.map((arm) =>
    joined(tasks.map((task) => valuesOf(task, arm, primary.units))),
  );
  const found = difference(first, second);
  const declared = { ...primary, ...found, detectable: found.interval && detectable(found.interval) };
  return { points, oracles, effects, primary: declared, seeds: seeds.length };
}

/** Joins the lists of a seed over tasks. */
function joined(lists) {
  return lists[0].map((_, seed) => lists.flatMap((list) => list[seed]));
}
