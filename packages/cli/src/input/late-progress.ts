import { createProgress, type Progress, type ProgressOptions } from '@gram/report';

/** Time after which work shows its progress, in milliseconds: what is done sooner needs no line. */
const QUIET_MILLISECONDS = 2000;

/** Makes a progress line that appears only where the work takes long enough to be wondered at. */
export function createLateProgress(options: ProgressOptions): Pick<Progress, 'update' | 'finish'> {
  const started = performance.now();
  let progress: Progress | undefined;
  return {
    update(done, fields) {
      if (performance.now() - started < QUIET_MILLISECONDS) return;
      progress ??= createProgress(options);
      progress.update(done, fields);
    },
    finish: (summary) => progress?.finish(summary),
  };
}
