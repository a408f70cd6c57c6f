import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

const NAME = /^checkpoint-(\d{7,})$/;

/** The directory of the checkpoint after `step` steps, `checkpoint-0000120`: names sort by step. */
export function checkpointPath(directory: string, step: number): string {
  return join(directory, `checkpoint-${String(step).padStart(7, '0')}`);
}

/** The step that the name of a checkpoint says; undefined for another name. */
export function stepOfPath(path: string): number | undefined {
  const digits = NAME.exec(basename(path))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The checkpoints of a directory in the order of their steps; none where the directory is missing. */
export async function listCheckpoints(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const names = (await readdir(directory)).filter((name) => NAME.test(name)).sort();
  return names.map((name) => join(directory, name));
}

/** The newest checkpoint in a directory, or undefined. */
export async function latestCheckpoint(directory: string): Promise<string | undefined> {
  return (await listCheckpoints(directory)).at(-1);
}

/** Deletes the checkpoints of a directory whose step is not to be kept. */
export async function pruneCheckpoints(directory: string, keeps: (step: number) => boolean): Promise<void> {
  for (const path of await listCheckpoints(directory)) {
    if (!keeps(stepOfPath(path) ?? 0)) await rm(path, { recursive: true, force: true });
  }
}
