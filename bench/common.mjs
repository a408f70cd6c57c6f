import { spawn } from 'node:child_process';
import { median } from './engine/configurations.mjs';

/**
 * Runs a program and gives what it prints, `out` and `err`. On Linux a child begins with the peak of memory of the process that it
 * was split from: a shell between them keeps ours out of its figures.
 */
export function printed(command, args) {
  const [program, words] =
    process.platform === 'linux' ? ['sh', ['-c', '"$@"; exit $?', 'sh', command, ...args]] : [command, args];
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err] = [[], []];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const texts = { out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
      if (code === 0) resolve(texts);
      else reject(failure(command, args, texts.err));
    });
  });
}

/** Runs a program and parses the last line that it prints. */
export async function json(command, args) {
  const last = lastLine((await printed(command, args)).out);
  if (last?.startsWith('{')) return JSON.parse(last);
  throw failure(command, args, 'its last line is not JSON');
}

/** The last line of a text. */
export const lastLine = (text) => text.trim().split('\n').at(-1);

const failure = (command, args, why) => new Error(`${command} ${args.join(' ')} failed:\n${why}`);

/** Makes a system of another program: absent without its path, or where it fails, as without its packages. */
export function peer(program, args, needs) {
  if (program === undefined) return needs;
  return () =>
    json(program, args.map(String)).catch(({ message }) => ({
      unavailable: message.trim().split('\n').at(-1),
    }));
}

/**
 * Runs systems in turns.
 *
 * @param systems functions that measure once, by name; a text says why a system is absent
 * @returns `results`: the medians of the figures of each system that ran, with all its `rounds`; and those that are `absent`
 */
export async function turns(rounds, systems) {
  const running = new Map(Object.entries(systems));
  const measured = new Map();
  const absent = [];
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of running) {
      const result = typeof run === 'string' ? { unavailable: run } : await run();
      if (result.unavailable === undefined) measured.set(name, [...(measured.get(name) ?? []), result]);
      else {
        absent.push({ name, reason: result.unavailable });
        running.delete(name);
        measured.delete(name);
      }
    }
  }
  const results = Object.fromEntries([...measured].map(([name, list]) => [name, merged(list)]));
  return { results, absent };
}

function merged(list) {
  const result = { ...list[0], rounds: list };
  for (const [key, value] of Object.entries(list[0])) {
    if (typeof value === 'number') result[key] = median(list.map((each) => each[key]));
  }
  return result;
}

export const times = (ratio) => (Number.isFinite(ratio) ? `${ratio.toFixed(2)} x` : '');
export const mega = (bytes) => `${Math.round(bytes / 1e6)} MB`;
