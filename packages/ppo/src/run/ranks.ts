import { type Communicator, checkSameRun, gatherValues, singleProcess } from '@gram/train';
import type { PpoOptions } from '../options.js';
import { partsOf } from './conduct.js';
import type { PpoRun } from './run.js';
import type { PpoState } from './state.js';

/** Makes sure that all ranks are in the same run. @throws TrainError `bad-config` */
export async function joinRanks(run: PpoRun, options: PpoOptions): Promise<void> {
  const { communicator = singleProcess, precision = 'float32' } = run;
  if (communicator.size > 1) await checkSameRun(communicator, { ...partsOf(run, options), precision });
}

/** Gives all ranks what the first one goes on from, but weights and moments, which the learners bring. */
export async function copyProgress(communicator: Communicator, state: PpoState): Promise<void> {
  if (communicator.size === 1) return;
  const { policy, value, best: _, ...rest } = state;
  const progress = { ...rest, updates: policy.updates, valueUpdates: value?.updates ?? 0 };
  const [first] = await gatherValues(communicator, communicator.rank === 0 ? progress : undefined);
  if (communicator.rank === 0 || first === undefined) return;
  const { steps, evaluations, history, updates, valueUpdates, ...plain } = first;
  Object.assign(state, plain);
  state.steps.push(...steps);
  state.evaluations.push(...evaluations);
  state.history.push(...history);
  policy.updates = updates;
  if (value !== undefined) value.updates = valueUpdates;
}
