import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { threadCount } from './thread-count.js';
import { usableCores } from './usable-cores.js';

vi.mock('node:os', async (load) => ({ ...(await load<object>()), availableParallelism: () => 8 }));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gram-cores-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), `${text}\n`);
}

/** A machine whose processors have these siblings, and a process that may use some of them. */
function machine(siblings: readonly string[], allowed: string): string {
  for (const [id, list] of siblings.entries()) {
    write(`sys/devices/system/cpu/cpu${id}/topology/thread_siblings_list`, list);
  }
  write('proc/self/status', `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}`);
  return root;
}

const neighbors = ['0-1', '0-1', '2-3', '2-3'];
const far = ['0,4', '1,5', '2,6', '3,7', '0,4', '1,5', '2,6', '3,7'];

describe('usableCores', () => {
  it.each([
    ['two threads a core, next to each other', neighbors, '0-3', 2],
    ['two threads a core, far from each other', far, '0-7', 4],
    ['one thread a core', ['0', '1', '2'], '0-2', 3],
    ['a process that may use one thread of each core', far, '0-3', 4],
    ['a process that may use both threads of two cores', far, '0-1,4-5', 2],
    ['a process that may use one thread', far, '6', 1],
  ])('counts the cores of %s', (_, siblings, allowed, cores) => {
    expect(usableCores(machine(siblings, allowed))).toBe(cores);
  });

  it.each([
    ['150000 100000', 2],
    ['20000 100000', 1],
    ['1600000 100000', 4],
    ['max 100000', 4],
  ])('keeps to the quota %s of a control group', (quota, cores) => {
    machine(far, '0-7');
    write('proc/self/cgroup', '0::/jobs/one');
    write('sys/fs/cgroup/jobs/one/cpu.max', quota);
    expect(usableCores(root)).toBe(cores);
  });

  it('is what Node says where the system does not tell', () => {
    expect(usableCores(root)).toBe(8);
    // A processor without a description, as in some containers.
    expect(usableCores(machine(neighbors, '0-7'))).toBe(8);
  });
});

describe('threadCount', () => {
  it('is what GRAM_THREADS says, and otherwise the number of cores', () => {
    vi.stubEnv('GRAM_THREADS', '');
    expect(threadCount()).toBe(usableCores());
    vi.stubEnv('GRAM_THREADS', '7');
    expect(threadCount()).toBe(7);
  });
});
