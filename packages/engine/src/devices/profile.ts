import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../error.js';

/** Total time of the operations of one type. */
export interface OperatorTime {
  readonly operator: string;
  readonly calls: number;
  readonly seconds: number;
}

/** Time of the operations in the runs of an executable. */
export interface Profile {
  readonly runs: number;
  /** Time by type of operator. */
  readonly operators: readonly OperatorTime[];
  /** Floating-point operations of the matrix products in all runs. */
  readonly matrixFlop: number;
}

/** Time of the operations in the runs of a compiled function, beside what the device can do. */
export interface ProfileReport extends Profile {
  /** Time inside operations in all runs. */
  readonly seconds: number;
  /**
   * Rate of the matrix products' floating-point operations in that time, as a share of the rate that the device reaches with
   * products alone: 1 is the limit.
   */
  readonly shareOfLimit: number;
}

/** Start of the path of a file for the runtime's profile. */
export function temporaryProfile(): string {
  return join(tmpdir(), `gram-profile-${randomUUID()}`);
}

/** Matrix products, whose floating-point operations are counted. */
const PRODUCTS = new Set([
  'MatMul',
  'FusedMatMul',
  'Gemm',
  'FusedGemm',
  'MatMulInteger',
  'DynamicQuantizeMatMul',
  'MatMulNBits',
]);

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Record<string, readonly number[]>[];
    readonly output_type_shape?: readonly Record<string, readonly number[]>[];
  };
}

/** Reads the profile that the runtime wrote, and removes its file. */
export function readProfile(path: string): Profile {
  let events: Event[];
  try {
    events = JSON.parse(readFileSync(path, 'utf8')) as Event[];
  } catch (cause) {
    throw new EngineError('bad-file', `the runtime's profile cannot be read: ${path}`, 'run it again', {
      cause,
    });
  } finally {
    rmSync(path, { force: true });
  }
  const byOperator = new Map<string, { calls: number; seconds: number }>();
  let [runs, matrixFlop] = [0, 0];
  for (const { cat, name, dur, args = {} } of events) {
    if (cat === 'Session' && name === 'model_run') runs++;
    const operator = args.op_name;
    if (cat !== 'Node' || operator === undefined || !name.endsWith('_kernel_time')) continue;
    const known = byOperator.get(operator) ?? { calls: 0, seconds: 0 };
    byOperator.set(operator, { calls: known.calls + 1, seconds: known.seconds + dur / 1e6 });
    if (PRODUCTS.has(operator)) matrixFlop += flopOf(operator, args);
  }
  const operators = [...byOperator].map(([operator, time]) => ({ operator, ...time }));
  return { runs, operators, matrixFlop };
}

/** Computes 2 times the size of the result times the length of the sums, which follows from the sizes of the operands. */
function flopOf(
  operator: string,
  { input_type_shape: inputs = [], output_type_shape: outputs = [] }: NonNullable<Event['args']>,
) {
  const size = (list: readonly Record<string, readonly number[]>[], i: number) =>
    Object.values(list[i] ?? {})
      .flat()
      .reduce((product, n) => product * n, 1);
  const shape = (list: readonly Record<string, readonly number[]>[], i: number) =>
    Object.values(list[i] ?? {})[0] ?? [];
  // Its second operand is stored in blocks, with two elements a byte.
  if (operator === 'MatMulNBits') return 2 * size(outputs, 0) * (shape(inputs, 0).at(-1) ?? 1);
  const result = shape(outputs, 0);
  const right = shape(inputs, 1);
  const columns = result.at(-1) ?? 1;
  // The second operand has columns times sums elements, for each matrix of its batch.
  const sums = right.slice(-2).reduce((product, n) => product * n, 1) / columns;
  return 2 * size(outputs, 0) * sums;
}

/**
 * Adds up the profiles of several executables. The operators with the longest time come first.
 *
 * @param rate floating-point operations per second that matrix products alone reach
 */
export function summarize(profiles: readonly Profile[], rate: number): ProfileReport {
  const byOperator = new Map<string, { calls: number; seconds: number }>();
  for (const { operator, calls, seconds } of profiles.flatMap(({ operators }) => operators)) {
    const known = byOperator.get(operator) ?? { calls: 0, seconds: 0 };
    byOperator.set(operator, { calls: known.calls + calls, seconds: known.seconds + seconds });
  }
  const operators = [...byOperator]
    .map(([operator, time]) => ({ operator, ...time }))
    .sort((a, b) => b.seconds - a.seconds);
  const seconds = operators.reduce((sum, each) => sum + each.seconds, 0);
  const runs = profiles.reduce((sum, each) => sum + each.runs, 0);
  const matrixFlop = profiles.reduce((sum, each) => sum + each.matrixFlop, 0);
  const shareOfLimit = seconds === 0 ? 0 : matrixFlop / seconds / rate;
  return { runs, operators, matrixFlop, seconds, shareOfLimit };
}
