import { createProgress } from '@gram/report';
import { adamW, train } from '@gram/train';

/** Options of `train` from a recipe, which holds numbers only. */
export function trainOptions({ weightDecay, beta2, ...pace }) {
  return { ...pace, optimizer: adamW({ weightDecay, beta2 }) };
}

/** One training run with its progress line; returns the records of its steps. */
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
