import { BaseError, GramError } from '@gram/base';

/** Code of a `ReportError`: the kind of problem. */
export type ReportErrorCode = 'bad-progress' | 'bad-table' | 'bad-chart' | 'bad-metric' | 'write-failed';

/** An error of a progress line, a chart, a page or a log. */
export class ReportError extends GramError<ReportErrorCode> {
  override readonly name = 'ReportError';
}

/** The error of a file that cannot be written. */
export function writeFailed(path: string, cause: unknown): ReportError {
  if (cause instanceof ReportError) return cause;
  if (cause instanceof BaseError)
    return new ReportError('write-failed', cause.message, cause.hint, { cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ReportError(
    'write-failed',
    `${path} could not be written: ${reason}`,
    'check that the folder can be written and that the disk has room',
    { cause },
  );
}
