import { basename, join } from 'node:path';
import { createEventWriter, createMetricsLog, formatNumber, type Section, stepFields } from '@gram/report';
import { type RunMetrics, tagOf } from '../metrics.js';
import { hasNumber, numberOf, type StepRecord } from '../record.js';
import { createStepMeter, type WatchedStep } from '../step-meter.js';
import type { WatchServer } from '../watch/server.js';
import { startWatch } from '../watch/watch.js';

/** A run that is followed. */
export interface FollowedSource {
  /** Directory of the run. */
  readonly output: string;
  /** Name of what is trained, for the title of the page. */
  readonly label: string;
  readonly metrics: RunMetrics;
  readonly totalSteps: number;
  readonly doneSteps: number;
  readonly history: readonly StepRecord[];
  /** Sections of the page below the curves. @default nothing */
  readonly sections?: (() => readonly Section[]) | undefined;
}

/** Followers of a run: the metrics log, the file of TensorBoard and, where there is a server, the page. */
export interface FollowedRun {
  /** Notes a step everywhere, and gives what a progress line shows of it. */
  step(record: StepRecord): Promise<Record<string, string | number>>;
  /** Says on the page how the run ended. */
  end(message: string): void;
  close(): Promise<void>;
}

/**
 * Starts to follow a run. The log gets the bare records, so that a resumed run leaves the same bytes as a straight one.
 *
 * @param server of the page; undefined for none
 */
export async function followRun(
  { output, label, metrics, totalSteps, doneSteps, history, sections }: FollowedSource,
  server: WatchServer | undefined,
  note: (text: string) => void,
): Promise<FollowedRun> {
  const watch =
    server &&
    (await startWatch({
      server,
      title: `${label}: ${basename(output)}`,
      total: totalSteps,
      metrics,
      history,
      sections,
      onUrl: (url) => note(`watch at ${url}`),
    }));
  const log = await createMetricsLog(join(output, 'metrics.jsonl'), history);
  const events = await createEventWriter(join(output, 'tensorboard'), doneSteps);
  const measure = createStepMeter();
  return {
    async step(record) {
      const measured = measure(record);
      await log.append(record);
      await events.scalars(record.step, Date.now() / 1000, scalarsOf(metrics, measured));
      watch?.record(measured);
      if (record.validation !== undefined) note(evaluationText(metrics, record));
      return fieldsOf(metrics, measured);
    },
    end: (message) => watch?.end(message),
    async close() {
      await watch?.close();
      await log.close();
      await events.close();
    },
  };
}

/** The numbers of a step under the tags that TensorBoard shows. */
function scalarsOf({ curves }: RunMetrics, step: WatchedStep): Record<string, number> {
  const scalars: Record<string, number> = {};
  for (const { name, group, evaluation } of curves) {
    if (hasNumber(step, name)) scalars[tagOf(group, name)] = numberOf(step, name);
    const measured = evaluation === undefined ? undefined : step.validation?.[evaluation];
    if (evaluation !== undefined && measured !== undefined) {
      scalars[tagOf('validation', evaluation)] = measured;
    }
  }
  return {
    ...scalars,
    'speed/tokens_per_second': step.tokensPerSecond,
    'speed/memory_bytes': step.memoryBytes,
  };
}

/** Fields of a step on a progress line. */
function fieldsOf({ curves }: RunMetrics, step: WatchedStep): Record<string, string | number> {
  const shown = curves.filter(({ name, isHeadline }) => isHeadline && hasNumber(step, name));
  return stepFields({
    numbers: Object.fromEntries(shown.map(({ name }) => [name, numberOf(step, name)])),
    tokensPerSecond: step.tokensPerSecond,
    memoryBytes: step.memoryBytes,
  });
}

function evaluationText(metrics: RunMetrics, { step, validation = {} }: StepRecord): string {
  const numbers = metrics.curves.flatMap(({ evaluation, title }) => {
    const value = evaluation === undefined ? undefined : validation[evaluation];
    return value === undefined ? [] : [`${title.toLowerCase()} ${formatNumber(value)}`];
  });
  return `step ${step}, ${metrics.evaluation} data: ${numbers.join(', ')}`;
}
