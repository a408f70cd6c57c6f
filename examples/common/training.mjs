import { createProgress } from '@gram/report';
import { adamW, train } from '@gram/train';

/** Makes the options of `train` from a recipe, which holds numbers only. */
export function trainOptions({ weightDecay, beta2, ...pace }) {
  return { ...pace, optimizer: adamW({ weightDecay, beta2 }) };
}

/** Trains with a progress line and returns the records of the steps. */
export async function fit(label, run) {
  let progress;
  const { history } = await train({
    ...run,
    options: trainOptions(run.options),
    onStep({ step, loss, accuracy }, _state, total) {
      progress ??= createProgress({ label, total, unit: 'steps' });
      progress.update(step, { loss, ...(accuracy === undefined ? {} : { accuracy }) });
    },
  });
  progress?.finish();
  return history;
}
