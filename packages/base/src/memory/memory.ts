import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { BaseError } from '../error.js';

/** Memory that this process can have at most, and what sets the bound. */
export interface MemoryBound {
  readonly bytes: number;
  /** The subject of a sentence, such as "the machine". */
  readonly source: string;
}

/**
 * The smallest bound on the memory of this process: that of the machine, of its container or job, or the address space that
 * `ulimit -v` leaves it.
 */
export function memoryBound(): MemoryBound {
  const bounds: MemoryBound[] = [{ bytes: totalmem(), source: 'the machine' }];
  // Without a container it is 0, or more than any machine has.
  const constrained = process.constrainedMemory();
  if (constrained > 0) bounds.push({ bytes: constrained, source: 'the container or job' });
  const left = addressSpaceLeft();
  if (left !== undefined) bounds.push({ bytes: left, source: 'the limit on address space (ulimit -v)' });
  return bounds.reduce((least, bound) => (bound.bytes < least.bytes ? bound : least));
}

/**
 * Bytes of address space that arrays of this process may take, those that it has included, for estimates count them;
 * undefined where there is no limit or the system does not tell.
 */
function addressSpaceLeft(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const limit = /^Max address space +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    const taken = /^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    return limit === undefined || taken === undefined
      ? undefined
      : Math.max(0, Number(limit) - 1024 * Number(taken) + process.memoryUsage().arrayBuffers);
  } catch {
    return undefined;
  }
}

/** Work that takes much memory, for an error about it. */
export interface MemoryNeed {
  /** The subject of a sentence, such as "training this model". */
  readonly work: string;
  /** Estimate of what it takes. */
  readonly bytes: number;
  /** What to lower, or to do otherwise. */
  readonly hint: string;
}

/**
 * Refuses work that this process cannot have the memory for, before anything is computed.
 *
 * @throws {BaseError} `out-of-memory`, with the estimate, the bound and what to lower
 */
export function checkMemory({ work, bytes, hint }: MemoryNeed): void {
  const bound = memoryBound();
  if (bytes <= bound.bytes) return;
  const message = `${work} takes about ${formatBytes(bytes)} of memory, and ${bound.source} has ${formatBytes(bound.bytes)}`;
  throw new BaseError('out-of-memory', message, hint);
}

/**
 * Does work; where memory ends in the middle of it, the error says what the work takes and what to lower.
 *
 * @throws {BaseError} `out-of-memory`; any other error of the work as it is
 * @example
 * ```ts
 * const need = { work: 'training', bytes: 7e9, hint: 'lower the batch size' };
 * await withinMemory(need, () => train());
 * ```
 */
export async function withinMemory<T>(
  { work, bytes, hint }: MemoryNeed,
  run: () => T | Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (!isOutOfMemory(cause)) throw cause;
    const { bytes: most, source } = memoryBound();
    const message = `there is not enough memory for ${work}, which takes about ${formatBytes(bytes)}; ${source} has ${formatBytes(most)}`;
    throw new BaseError('out-of-memory', message, hint, { cause });
  }
}

/** Whether an error says that memory ended, in JavaScript or in a package of gram. */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && (error.code === 'out-of-memory' || error.code === 'ENOMEM')) return true;
  return error instanceof RangeError && /array buffer|array length|allocation failed/i.test(error.message);
}

function formatBytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
