import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Path of the program that starts `gram`, as it is installed. */
export const bin = fileURLToPath(new URL('../../bin/gram.js', import.meta.url));

/** Whether the package is built: a process that can be killed runs what was built. */
export const built = existsSync(fileURLToPath(new URL('../../dist/bin.js', import.meta.url)));

/** Starts `gram` as a process of its own. */
export function startGram(argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, [bin, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Resolves with how a process ended; rejects with what it printed when it failed. */
export function ended(child: ChildProcess): Promise<'done' | 'killed'> {
  const errors: Buffer[] = [];
  child.stderr!.on('data', (chunk: Buffer) => errors.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve('killed');
      else if (code === 0) resolve('done');
      else reject(new Error(Buffer.concat(errors).toString()));
    });
  });
}
