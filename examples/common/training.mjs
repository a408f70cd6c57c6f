import { createProgress } from '@gram/report';
import { train } from '@gram/train';

/** One training run with its progress line; returns the records of its steps. */
export async function fit(label, run) {
  let progress;
  const { history } = await train({
    ...run,
    onStep({ step, loss, accuracy }, _state, total) {
      progress ??= createProgress({ label, total, unit: 'steps' });
      progress.update(step, { loss, ...(accuracy === undefined ? {} : { accuracy }) });
    },
  });
  progress?.finish();
  return history;
}
