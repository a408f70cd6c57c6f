// The place in which one run gets into trouble: a folder on a disk of its own where the system lets us make one.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { differingFiles, wholeOf } from '../stops/whole-runs.mjs';
import { copyOf, shopOnce, start } from '../stops/workshop.mjs';

const MAX_SECONDS = 120;

/** Why no disk can be made here; undefined where one can. */
export const noDisk = diskProblem();

/** Makes a small disk at a path. */
export function mountDisk(path, size) {
  mkdirSync(path, { recursive: true });
  mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path);
}

/** Makes a disk read-only or writable. */
export const remount = (path, mode) => mount('-o', `remount,${mode}`, path);

function mount(...words) {
  const { status, stderr } = spawnSync('mount', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${words.join(' ')}: ${stderr}`);
}

function diskProblem() {
  const path = mkdtempSync(join(tmpdir(), 'gram-disk-'));
  try {
    mountDisk(path, '100k');
    spawnSync('umount', [path]);
    return undefined;
  } catch {
    return 'disks can be mounted here by root of Linux only';
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Opens a stage for a kind of run, whose files are those of a run without trouble.
 *
 * @param diskSize size of a disk of its own, as `mount` takes it; none by default
 */
export async function openStage(kind, { diskSize } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gram-troubles-'));
  const shop = await shopOnce();
  const whole = await wholeOf(kind);
  const place = join(folder, 'place');
  if (diskSize !== undefined) mountDisk(place, diskSize);
  copyOf(shop, place);
  return {
    place,
    command: kind.command,
    path: (name) => join(place, name),
    start: (command = kind.command, env = {}) => start(command, place, env),
    /** Waits for something, not longer than two minutes. */
    async until(isSo, ended) {
      let isOver = false;
      ended?.then(() => {
        isOver = true;
      });
      for (const from = Date.now(); !isSo() && !isOver; await wait(5))
        if (Date.now() - from > 1000 * MAX_SECONDS) throw new Error('nothing happened for two minutes');
    },
    /** Whether the run has results that a later one goes on from. */
    hasBegun: () =>
      existsSync(join(place, 'out')) &&
      readdirSync(join(place, 'out')).some((name) => /^checkpoint-\d+$|^items\.jsonl$/.test(name)),
    /** The files of the result that are not those of a run without trouble. */
    differing: () => differingFiles(kind, place, whole),
    close() {
      if (diskSize !== undefined) spawnSync('umount', [place]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A command under a limit of the shell. */
export const limited = (limit, command) => ['bash', '-c', `ulimit ${limit}; exec "$0" "$@"`, ...command];

/** The lines of a run that say what went wrong, without the paths of this machine. */
export function saidBy({ how, stderr }, place) {
  const lines = stderr.replaceAll(`${place}/`, '').trim().split('\n');
  const said = lines.filter((line) => line.startsWith('gram: '));
  return (said.length > 0 ? said.join(' ') : how === 0 ? 'nothing' : lines.slice(-3).join(' ')).slice(0, 400);
}
