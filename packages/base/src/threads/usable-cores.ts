import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * Number of cores that this process may use at once. On Linux it counts cores and not their threads, which share the units that
 * multiply, and is at most the quota of the process's container or job. Elsewhere it is what Node says, which counts threads.
 *
 * @param root folder of `proc` and `sys`
 */
export function usableCores(root = '/'): number {
  const bounds = [availableParallelism(), allowedCores(root), quota(root)];
  return Math.min(...bounds.filter((bound) => bound !== undefined));
}

/** Number of cores among the processors that the process may run on; undefined where the system does not say. */
function allowedCores(root: string): number | undefined {
  const [, allowed] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(textOf(root, 'proc/self/status')) ?? [];
  if (allowed === undefined) return undefined;
  // All threads of a core have the same list of its threads.
  const cores = numbersOf(allowed).map((id) =>
    textOf(root, `sys/devices/system/cpu/cpu${id}/topology/thread_siblings_list`),
  );
  return cores.includes('') ? undefined : new Set(cores).size;
}

/** Processor time that version 2 of control groups leaves the process, in cores, rounded up; undefined without a quota. */
function quota(root: string): number | undefined {
  const [, group] = /^0::(.*)$/m.exec(textOf(root, 'proc/self/cgroup')) ?? [];
  const [, time, period] = /^(\d+) (\d+)/.exec(textOf(root, `sys/fs/cgroup${group}/cpu.max`)) ?? [];
  if (time === undefined || period === undefined) return undefined;
  return Math.max(1, Math.ceil(Number(time) / Number(period)));
}

/** The numbers of a list of ranges, such as `0-3,8`. */
function numbersOf(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

/** The text of a file of the system; empty where it has no such file. */
function textOf(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), 'latin1');
  } catch {
    return '';
  }
}
