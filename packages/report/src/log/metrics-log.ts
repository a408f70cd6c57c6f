import { open, readFile } from 'node:fs/promises';
import { ReportError, writeFailed } from '../error.js';
import { replaceFile } from '../replace-file.js';
import { createAppender } from './append-file.js';

/** Numbers of one step, of which only its own is required. */
export type StepMetrics = { readonly step: number };

/** A JSONL file with one line a step. */
export interface MetricsLog {
  /**
   * Appends a line; it is in the file when the promise resolves, also if the process is then killed. A number that is not
   * finite becomes null.
   *
   * @throws {ReportError} `bad-metric` unless `step` is larger than that of the line before, `write-failed`
   */
  append<Metrics extends StepMetrics>(metrics: Metrics): Promise<void>;
  /** Makes the file last and closes it. Calls after the first have no effect. */
  close(): Promise<void>;
}

/**
 * Opens a log of metrics, making its folder where needed. It begins with one line for each step of `done`, in this order:
 * the line that the file has, which may say more than the record, else one of the record itself. What else the file holds goes: steps that a resumed
 * run does again, a line that was cut off, another run. That happens at once, by a rename.
 *
 * @param done the steps that the run has behind it, as its checkpoint has them; default none, an empty log
 * @throws {ReportError} `write-failed`, also if there is a file that cannot be read
 */
export async function createMetricsLog(path: string, done: readonly StepMetrics[] = []): Promise<MetricsLog> {
  let length: number;
  try {
    length = await rewrite(path, done);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
  const handle = await open(path, 'r+').catch((cause) => Promise.reject(writeFailed(path, cause)));
  const file = createAppender(path, handle, length);
  let last = done.at(-1)?.step ?? Number.NEGATIVE_INFINITY;
  return {
    async append(metrics) {
      if (!(metrics.step > last)) {
        throw new ReportError(
          'bad-metric',
          `step ${metrics.step} cannot follow step ${last} in ${path}`,
          'append each step once, in their order',
        );
      }
      last = metrics.step;
      await file.append(Buffer.from(lineOf(metrics)));
    },
    close: () => file.close(),
  };
}

/** Puts the lines of `done` in the place of the file. Returns its bytes. */
async function rewrite(path: string, done: readonly StepMetrics[]): Promise<number> {
  const old = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw cause;
  });
  const lines = linesByStep(old ?? '');
  const kept = (record: StepMetrics) => {
    const line = lines.get(record.step);
    return line !== undefined && agrees(line.metrics, record) ? line.text : lineOf(record);
  };
  const text = done.map(kept).join('');
  if (text !== old) await replaceFile(path, text);
  return Buffer.byteLength(text);
}

/** The whole lines of a log by their step; what is no line of a log is left out. */
function linesByStep(text: string): Map<number, { text: string; metrics: StepMetrics }> {
  const lines = new Map<number, { text: string; metrics: StepMetrics }>();
  // What follows the last line feed was cut off, even where it happens to be JSON.
  for (const line of text.split('\n').slice(0, -1)) {
    const metrics = parse(line);
    if (metrics !== undefined) lines.set(metrics.step, { text: `${line}\n`, metrics });
  }
  return lines;
}

function parse(line: string): StepMetrics | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('step' in value)) return undefined;
    return typeof value.step === 'number' ? (value as StepMetrics) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a line says all that a record says, as JSON has it; it may say more. */
function agrees(line: StepMetrics, record: StepMetrics): boolean {
  const said = new Map<string, unknown>(Object.entries(line));
  return Object.entries(record).every(
    ([name, value]) => JSON.stringify(said.get(name)) === JSON.stringify(value),
  );
}

function lineOf(metrics: StepMetrics): string {
  return `${JSON.stringify(metrics)}\n`;
}
