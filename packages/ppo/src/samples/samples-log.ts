import { appendFile, readFile } from 'node:fs/promises';
import { isMissing, writeFileAtomic } from '@gram/base';
import type { Sample } from './samples.js';

/** Name of the log in the output of a run. */
export const SAMPLES_FILE = 'samples.jsonl';

/** Log of the samples of a run, one line each. */
export interface SamplesLog {
  /** Adds the samples of a step that is not in the log. */
  append(samples: readonly Sample[]): Promise<void>;
}

/**
 * Opens the log of the samples of a run: lines of steps that will be done again are left out.
 *
 * @param doneSteps steps that are not done again
 */
export async function openSamplesLog(path: string, doneSteps: number): Promise<SamplesLog> {
  const kept = (await readSamples(path)).filter(({ step }) => step <= doneSteps);
  await writeFileAtomic(path, kept.map(lineOf).join(''));
  let last = doneSteps;
  return {
    async append(samples) {
      const step = samples[0]?.step ?? 0;
      if (step <= last) return;
      last = step;
      await appendFile(path, samples.map(lineOf).join(''));
    },
  };
}

/** Reads the samples of a log; none where there is no log. What a kill left of a line is left out. */
export async function readSamples(path: string): Promise<Sample[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw cause;
  }
  // The text after the last line feed was cut off.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Sample);
}

function lineOf(sample: Sample): string {
  return `${JSON.stringify(sample)}\n`;
}
