import { basename, join } from 'node:path';
import { createEventWriter, createMetricsLog, formatNumber, stepFields } from '@gram/report';
import type { StepRecord } from '../record.js';
import { createStepMeter } from '../step-meter.js';
import type { WatchServer } from '../watch/server.js';
import { startWatch } from '../watch/watch.js';

/** A run that is followed. */
export interface FollowedSource {
  /** Directory of the run. */
  readonly output: string;
  /** Name of what is trained, for the title of the page. */
  readonly label: string;
  readonly totalSteps: number;
  readonly doneSteps: number;
  readonly history: readonly StepRecord[];
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
  { output, label, totalSteps, doneSteps, history }: FollowedSource,
  server: WatchServer | undefined,
  note: (text: string) => void,
): Promise<FollowedRun> {
  const watch =
    server &&
    (await startWatch({
      server,
      title: `${label}: ${basename(output)}`,
      total: totalSteps,
      history,
      onUrl: (url) => note(`watch at ${url}`),
    }));
  const log = await createMetricsLog(join(output, 'metrics.jsonl'), history);
  const events = await createEventWriter(join(output, 'tensorboard'), doneSteps);
  const measure = createStepMeter();
  return {
    async step(record) {
      const measured = measure(record);
      await log.append(record);
      await events.scalars(record.step, Date.now() / 1000, scalarsOf(measured));
      watch?.record(measured);
      const { step, validation } = record;
      if (validation !== undefined) note(`step ${step}, held-out data: ${heldOutText(validation)}`);
      return stepFields(measured);
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
function scalarsOf(step: ReturnType<ReturnType<typeof createStepMeter>>): Record<string, number> {
  const { loss, accuracy, gradientNorm, learningRate, validation, tokensPerSecond, memoryBytes } = step;
  return {
    'train/loss': loss,
    ...(accuracy !== undefined && { 'train/accuracy': accuracy }),
    ...(validation && { 'validation/loss': validation.loss }),
    ...(validation?.accuracy !== undefined && { 'validation/accuracy': validation.accuracy }),
    'train/gradient_norm': gradientNorm,
    'train/learning_rate': learningRate,
    'speed/tokens_per_second': tokensPerSecond,
    'speed/memory_bytes': memoryBytes,
  };
}

function heldOutText({ loss, accuracy }: NonNullable<StepRecord['validation']>): string {
  return `loss ${formatNumber(loss)}${accuracy === undefined ? '' : `, accuracy ${formatNumber(accuracy)}`}`;
}
