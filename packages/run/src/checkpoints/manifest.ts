import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import {
  canonicalJson,
  type FileName,
  GramError,
  quote,
  sha256OfFile,
  writeDirectoryAtomic,
} from '@gram/base';
import type { NDArray } from '@gram/engine';
import { RunError } from '../error.js';
import type { StepRecord } from '../record.js';
import { listCheckpoints, stepOfPath } from './checkpoints.js';

const MANIFEST = 'manifest.json';

interface Manifest {
  readonly format: 1;
  /** Steps done. */
  readonly step: number;
  /** SHA-256 of the records of the steps. */
  readonly history: string;
  /** Size and SHA-256 of every other file, by its path with `/`. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** Progress that a checkpoint holds. */
export interface CheckpointProgress {
  /** Steps done. */
  readonly step: number;
  /** Records of all steps, and of an evaluation before the first one. */
  readonly history: readonly StepRecord[];
}

/**
 * Writes a checkpoint under a temporary name and renames it: it is there whole, or not at all. `manifest.json` says which
 * files it has, with their hashes, and the progress that they belong to.
 *
 * @param names the names that `fill` may write at the top level
 * @throws {BaseError} `not-replaceable`, `write-failed`
 */
export async function writeCheckpoint(
  path: string,
  names: readonly FileName[],
  { step, history }: CheckpointProgress,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  await writeDirectoryAtomic(path, [...names, MANIFEST], async (temporary) => {
    await fill(temporary);
    const files: Record<string, { bytes: number; sha256: string }> = {};
    for (const name of await filesOf(temporary)) {
      const file = join(temporary, name);
      files[name] = { bytes: (await stat(file)).size, sha256: await sha256OfFile(file) };
    }
    const manifest: Manifest = { format: 1, step, history: hashOf(history), files };
    await writeFile(join(temporary, MANIFEST), JSON.stringify(manifest));
  });
}

/**
 * Checks that a checkpoint is what was written: every file is there with its size and hash, none came to it, and its
 * name says its step.
 *
 * @throws {RunError} `no-checkpoint` when nothing is there; `bad-checkpoint`, which names what is wrong and the next older
 *   checkpoint that is whole
 */
export async function checkFiles(path: string): Promise<void> {
  if (!existsSync(path)) {
    throw new RunError('no-checkpoint', `the checkpoint ${path} does not exist`, 'correct its path');
  }
  const problem = await problemOf(path);
  if (problem !== undefined) throw await brokenCheckpoint(path, problem);
}

/**
 * Checks that the progress which was read from a checkpoint is the one that was written, and that its records are those of
 * the steps up to its own.
 *
 * @throws {RunError} `bad-checkpoint`
 */
export async function checkProgress(path: string, { step, history }: CheckpointProgress): Promise<void> {
  const manifest = await manifestOf(path);
  const steps = history.map((record) => record.step).filter((number) => number > 0);
  const problem =
    typeof manifest === 'string'
      ? manifest
      : step !== manifest.step
        ? `it says step ${step}, and its manifest step ${manifest.step}`
        : steps.length !== step || steps.some((number, i) => number !== i + 1)
          ? `it says step ${step}, and has the records of ${steps.length} steps`
          : hashOf(history) !== manifest.history
            ? 'its records of the steps are not those of its manifest'
            : undefined;
  if (problem !== undefined) throw await brokenCheckpoint(path, problem);
}

/**
 * Checks that all numbers of arrays that were read from a checkpoint are finite.
 *
 * @throws {RunError} `bad-checkpoint`, which names the first array with another number
 */
export async function checkFinite(
  path: string,
  file: string,
  arrays: Readonly<Record<string, Pick<NDArray, 'data'>>>,
): Promise<void> {
  const found = Object.entries(arrays).find(([, { data }]) => !isFiniteArray(data));
  if (found !== undefined) {
    throw await brokenCheckpoint(path, `${file} has a number in ${quote(found[0])} that is not finite`);
  }
}

/**
 * Reads a part of a checkpoint whose files are those that were written.
 *
 * @param read throws where the part is not fit for use, such as a weight that is not finite
 * @throws {RunError} `bad-checkpoint`, which names what `read` says
 */
export async function readPart<Part>(path: string, read: () => Promise<Part>): Promise<Part> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof GramError)) throw cause;
    throw await brokenCheckpoint(path, cause.message, cause);
  }
}

/** The error of a checkpoint that cannot be gone on from. Its hint names the next older one that is whole. */
export async function brokenCheckpoint(path: string, problem: string, cause?: unknown): Promise<RunError> {
  const older = await olderWhole(path);
  const hint =
    older === undefined
      ? 'there is no older whole checkpoint beside it; start anew in another output'
      : `${older} is the next older one that is whole; resume from it by its path`;
  return new RunError('bad-checkpoint', `${path} is broken: ${problem}`, hint, { cause });
}

async function olderWhole(path: string): Promise<string | undefined> {
  const step = stepOfPath(path);
  if (step === undefined) return undefined;
  const older = (await listCheckpoints(dirname(path))).filter((other) => (stepOfPath(other) ?? 0) < step);
  for (const other of older.reverse()) if ((await problemOf(other)) === undefined) return other;
  return undefined;
}

/** Names the first fault of the files of a checkpoint; undefined without one. */
async function problemOf(path: string): Promise<string | undefined> {
  const manifest = await manifestOf(path);
  if (typeof manifest === 'string') return manifest;
  const named = stepOfPath(path);
  if (named !== undefined && named !== manifest.step) return `it is the checkpoint of step ${manifest.step}`;
  const present = new Set(await filesOf(path));
  present.delete(MANIFEST);
  for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
    if (!present.delete(name)) return `${quote(name)} is missing`;
    const file = join(path, name);
    const { size } = await stat(file);
    if (size !== bytes) return `${quote(name)} has ${size} bytes, and had ${bytes} when it was written`;
    if ((await sha256OfFile(file)) !== sha256) return `${quote(name)} is not the file that was written`;
  }
  const [foreign] = present;
  return foreign === undefined ? undefined : `${quote(foreign)} does not belong to it`;
}

/** The manifest of a checkpoint, or what is wrong with it. */
async function manifestOf(path: string): Promise<Manifest | string> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(path, MANIFEST), 'utf8'));
  } catch {
    return `${MANIFEST} is missing or broken`;
  }
  return isManifest(json) ? json : `${MANIFEST} is missing or broken`;
}

function isManifest(json: unknown): json is Manifest {
  if (typeof json !== 'object' || json === null) return false;
  const { format, step, history, files } = json as Readonly<Record<string, unknown>>;
  return (
    format === 1 &&
    Number.isSafeInteger(step) &&
    typeof history === 'string' &&
    typeof files === 'object' &&
    files !== null &&
    Object.values(files).every((file) => typeof file?.bytes === 'number' && typeof file.sha256 === 'string')
  );
}

/** The files below a directory, with `/` in their paths, in order. */
async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(directory.length + 1)
        .split(sep)
        .join('/'),
    )
    .sort();
}

function hashOf(history: readonly StepRecord[]): string {
  const hash = createHash('sha256');
  for (const record of history) hash.update(`${canonicalJson(record)}\n`);
  return hash.digest('hex');
}

/** A number that is not finite makes the sum of all, times zero, not zero: one pass without a branch. */
function isFiniteArray(data: ArrayLike<number>): boolean {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += 0 * (data[i] ?? 0);
  return sum === 0;
}
