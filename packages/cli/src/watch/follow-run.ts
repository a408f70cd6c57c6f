import { basename, join } from 'node:path';
import { createEventWriter, createMetricsLog, formatNumber, stepFields } from '@gram/report';
import type { PreparedTraining, StepRecord, TrainingConfig } from '@gram/train';
import { wholeNumber } from '../parse-flags.js';
import { createStepMeter } from './step-meter.js';
import { startWatch } from './watch.js';

/** Everything that follows a run while it runs: the metrics log, TensorBoard's file and, where it is asked for, the page. */
export interface FollowedRun {
  /** Notes a step everywhere, and gives what the progress line shows of it. */
  step(record: StepRecord): Promise<Record<string, string | number>>;
  /** Says on the page how the run ended. */
  end(message: string): void;
  close(): Promise<void>;
}

/**
 * Starts to follow a run. The log gets the bare records, so that a resumed run leaves the same bytes as a straight one.
 *
 * @param port of the page; undefined for none
 * @throws CliError `usage` for a port that is taken or none
 */
export async function followRun(
  { stage, output }: TrainingConfig,
  { totalSteps, doneSteps, history }: PreparedTraining,
  port: string | undefined,
  note: (text: string) => void,
): Promise<FollowedRun> {
  const watch =
    port === undefined
      ? undefined
      : await startWatch({
          port: wholeNumber('watch', port, 0),
          title: `${stage}: ${basename(output)}`,
          total: totalSteps,
          history,
          onUrl: (url) => note(`watch at ${url}`),
        });
  const log = await createMetricsLog(join(output, 'metrics.jsonl'), history);
  const events = await createEventWriter(join(output, 'tensorboard'), doneSteps);
  const measure = createStepMeter();
  return {
    async step(record) {
      const measured = measure(record);
      await log.append(record);
      const { loss, accuracy, gradientNorm, learningRate, validation } = record;
      const { tokensPerSecond, memoryBytes } = measured;
      await events.scalars(record.step, Date.now() / 1000, {
        'train/loss': loss,
        ...(accuracy !== undefined && { 'train/accuracy': accuracy }),
        ...(validation && { 'validation/loss': validation.loss }),
        ...(validation?.accuracy !== undefined && { 'validation/accuracy': validation.accuracy }),
        'train/gradient_norm': gradientNorm,
        'train/learning_rate': learningRate,
        'speed/tokens_per_second': tokensPerSecond,
        'speed/memory_bytes': memoryBytes,
      });
      watch?.record(measured);
      if (validation !== undefined) note(`step ${record.step}, held-out data: ${heldOutText(validation)}`);
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

function heldOutText({ loss, accuracy }: NonNullable<StepRecord['validation']>): string {
  return `loss ${formatNumber(loss)}${accuracy === undefined ? '' : `, accuracy ${formatNumber(accuracy)}`}`;
}
