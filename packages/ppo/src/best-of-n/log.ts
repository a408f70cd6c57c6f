import { appendFile, readFile } from 'node:fs/promises';
import { isMissing, writeFileAtomic } from '@gram/base';
import { differingParts, type Fingerprint } from '@gram/run';
import { z } from 'zod';
import { PpoError } from '../error.js';
import type { Choice } from './choose.js';

/** Names of the files that say what was chosen, and from what. */
export const CANDIDATES_FILE = 'candidates.jsonl';
export const CHOSEN_FILE = 'chosen.jsonl';

const START_FILE = 'best-of-n.json';
const start = z.strictObject({ fingerprint: z.record(z.string(), z.string()) });

/** Says where the two files of a log lie. */
export function logFiles(directory: string): { readonly start: string; readonly candidates: string } {
  return { start: `${directory}/${START_FILE}`, candidates: `${directory}/${CANDIDATES_FILE}` };
}

/** The choices of a run so far, one line each, and what identifies the run. */
export interface ChoiceLog {
  readonly choices: Choice[];
  append(choices: readonly Choice[]): Promise<void>;
}

/**
 * Opens the log of a run in its directory. Lines of a batch that was not finished are left out: it is done again.
 *
 * @param batchSize lines of a whole batch
 * @throws PpoError `bad-checkpoint` when another run wrote the log
 */
export async function openChoiceLog(
  directory: string,
  fingerprint: Fingerprint,
  { batchSize, total }: { readonly batchSize: number; readonly total: number },
): Promise<ChoiceLog> {
  const files = logFiles(directory);
  const before = await readStart(files.start);
  if (before === undefined) {
    await writeFileAtomic(files.start, `${JSON.stringify({ fingerprint })}\n`);
  } else {
    const other = differingParts(before, fingerprint);
    if (other.length > 0) {
      throw new PpoError(
        'bad-checkpoint',
        `${directory} is of another run: ${other.join(', ')} differ`,
        'resume with what started the run, or choose another output',
      );
    }
  }
  const lines = before === undefined ? [] : await readLines(files.candidates);
  const whole = lines.length >= total ? total : lines.length - (lines.length % batchSize);
  const kept = lines.slice(0, whole);
  await writeFileAtomic(files.candidates, kept.map((line) => `${line}\n`).join(''));
  const choices = kept.map((line) => JSON.parse(line) as Choice);
  return {
    choices,
    async append(added) {
      await appendFile(files.candidates, added.map((choice) => `${JSON.stringify(choice)}\n`).join(''));
      choices.push(...added);
    },
  };
}

async function readStart(path: string): Promise<Fingerprint | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    return start.parse(JSON.parse(text)).fingerprint;
  } catch (cause) {
    throw new PpoError('bad-checkpoint', `${path} is broken`, 'choose another output', { cause });
  }
}

/** Whole lines of a file: what a kill left of the last one is left out. */
async function readLines(path: string): Promise<string[]> {
  return ((await readText(path)) ?? '').split('\n').slice(0, -1);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
}
