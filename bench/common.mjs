import { spawn } from 'node:child_process';
import { median } from './engine/configurations.mjs';

/** Runs a program and parses the last line that it prints. */
export function json(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err] = [[], []];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const last = Buffer.concat(out).toString().trim().split('\n').at(-1);
      if (code === 0 && last?.startsWith('{')) resolve(JSON.parse(last));
      else reject(new Error(`${command} ${args.join(' ')} failed:\n${Buffer.concat(err)}`));
    });
  });
}

/** Runs processes in turns and gives the median of each figure. */
export async function turns(rounds, ...runs) {
  const results = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of runs.entries()) results[i].push(await run());
  }
  return results.map((list) => {
    if (list[0] === undefined || list[0].unavailable !== undefined) return undefined;
    const figures = Object.entries(list[0]).filter(([, value]) => typeof value === 'number');
    const merged = { ...list[0] };
    for (const [key] of figures) merged[key] = median(list.map((each) => each[key]));
    return merged;
  });
}

export const times = (ratio) => (Number.isFinite(ratio) ? `${ratio.toFixed(2)} x` : '');
export const mega = (bytes) => `${Math.round(bytes / 1e6)} MB`;
