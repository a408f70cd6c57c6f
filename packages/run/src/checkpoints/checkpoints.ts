import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Kind of a numbered directory of a run: a checkpoint to resume from, or the best weights so far. */
export type SnapshotKind = 'checkpoint' | 'best';

/** The directory of a kind after a step, `checkpoint-0000120`; its number has seven digits, so that names sort by step. */
export function snapshotPath(directory: string, kind: SnapshotKind, step: number): string {
  return join(directory, `${kind}-${String(step).padStart(7, '0')}`);
}

/** The directory of the checkpoint after `step` steps. */
export function checkpointPath(directory: string, step: number): string {
  return snapshotPath(directory, 'checkpoint', step);
}

/** The numbered directories of a kind in the order of their steps; none where the directory is missing. */
export async function listSnapshots(directory: string, kind: SnapshotKind): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const pattern = new RegExp(`^${kind}-\\d{7}$`);
  const names = (await readdir(directory)).filter((name) => pattern.test(name)).sort();
  return names.map((name) => join(directory, name));
}

/** The newest checkpoint in a directory, or undefined. */
export async function latestCheckpoint(directory: string): Promise<string | undefined> {
  return (await listSnapshots(directory, 'checkpoint')).at(-1);
}

/** Which numbered directories of a kind stay. */
export interface Retention {
  /** Number of the newest checkpoints that stay. */
  readonly newest: number;
  /** Steps that stay as well, such as the best one. @default none */
  readonly steps?: readonly number[];
}

/** Deletes the numbered directories of a kind that are not retained. */
export async function pruneSnapshots(
  directory: string,
  kind: SnapshotKind,
  { newest, steps = [] }: Retention,
): Promise<void> {
  const paths = await listSnapshots(directory, kind);
  const named = new Set(steps.map((step) => basename(snapshotPath(directory, kind, step))));
  const old = newest === 0 ? paths : paths.slice(0, -newest);
  for (const path of old) if (!named.has(basename(path))) await rm(path, { recursive: true });
}
