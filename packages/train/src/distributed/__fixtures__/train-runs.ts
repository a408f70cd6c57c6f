import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RigCounts, RigTraffic } from '@gram/engine/testing';
import { expect } from 'vitest';
import type { TrainingRecord } from '../../training-record.js';
import type { GradientTraffic } from '../gpus/gradient-sums.js';
import type { Shapes } from '../partition.js';
import { onRanks } from './ranks.js';

/** Output of a rank in a run of `train-run.mjs`. */
export interface Outcome {
  readonly run: number;
  readonly rank: number;
  readonly history: readonly (TrainingRecord & { loss: number | null })[];
  readonly hash: string;
  /** Present in a run on the CUDA rig; the shapes on rank 0. */
  readonly shapes?: Shapes;
  readonly traffic?: RigTraffic;
  readonly gradients?: GradientTraffic;
  readonly copies?: RigCounts;
  /** Weights, then moments, at the end of a run that was not stopped. */
  readonly values: Float32Array;
}

/**
 * Trains as each of the options says. All ranks must end with the same weights.
 *
 * @returns for each of the options the outcomes of all ranks, by rank; those of rank 0 have the values
 */
export async function trainOnRanks(
  directory: string,
  ranks: number,
  runs: readonly object[],
): Promise<Outcome[][]> {
  const folder = mkdtempSync(join(directory, 'values-'));
  const fileOf = (run: number) => join(folder, String(run));
  const written = runs.map((options, run) => ({ ...options, values: fileOf(run) }));
  const { code, lines, errors } = await onRanks(ranks, 'train-run.mjs', JSON.stringify(written));
  expect(code, errors).toBe(0);
  const outcomes = lines as Outcome[];
  return runs.map((_, run) => {
    const these = outcomes.filter((outcome) => outcome.run === run);
    expect(these).toHaveLength(ranks);
    expect(new Set(these.map(({ hash }) => hash)).size).toBe(1);
    const bytes = existsSync(fileOf(run)) ? readFileSync(fileOf(run)) : Buffer.alloc(0);
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return these.map((outcome) => ({ ...outcome, values })).sort((a, b) => a.rank - b.rank);
  });
}

/** Expects weights, moments and history of another run, up to a tolerance. */
export function expectSameRun({ history, values }: Outcome, wanted: Outcome, tolerance: number): void {
  expect(values.length).toBeGreaterThan(0);
  expect(values.length).toBe(wanted.values.length);
  const apart = values.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted.values[i]!)), 0);
  expect(apart).toBeLessThan(tolerance);
  expect(history).toHaveLength(wanted.history.length);
  for (const [i, record] of history.entries()) {
    const other = wanted.history[i]!;
    expect(Math.abs(record.loss - other.loss)).toBeLessThan(tolerance);
    expect(record.accuracy).toBeCloseTo(other.accuracy!, 6);
    expect(record.tokens).toBe(other.tokens);
    expect(Math.abs(record.gradientNorm / other.gradientNorm - 1)).toBeLessThan(tolerance);
  }
}

