import type { ResolveOptions } from '@gram/model';
import { createProgress, type Progress } from '@gram/report';
import type { Io } from '../command.js';

/** Runs something that may download, and shows how far it is. Nothing is shown where there is nothing to download. */
export async function withDownload<T>(
  { stderr, signal }: Io,
  run: (options: ResolveOptions) => Promise<T>,
): Promise<T> {
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    if (progress === undefined && done === total) return;
    progress ??= createProgress({ label: 'download', total: total / 1e6, unit: 'MB', stream: stderr });
    progress.update(done / 1e6);
  };
  const onNote = (text: string) => {
    if (progress === undefined) stderr.write(`${text}\n`);
    else progress.note(text);
  };
  try {
    return await run({ signal, onProgress, onNote });
  } finally {
    progress?.finish();
  }
}
