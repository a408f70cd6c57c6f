import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Whether the package is built. */
export const built = existsSync(fileURLToPath(new URL('../../../dist/index.js', import.meta.url)));
const launcher = spawnSync('mpirun', ['--version'], { encoding: 'utf8' }).stdout ?? '';

/** Why nothing can be started on several ranks: `npm run mpi` installs Open MPI; the ranks run the built package. */
export const missing = launcher.includes('Open MPI')
  ? built
    ? undefined
    : 'no build'
  : 'no Open MPI';

/** What processes left behind. */
export interface Ended {
  readonly code: number;
  readonly errors: string;
  /** The lines of JSON that they printed. */
  readonly lines: readonly unknown[];
  /** When the last of them had ended, in milliseconds since 1970. */
  readonly at: number;
}

/** Runs a script of this folder on some ranks; on one without a launcher. One thread each. */
export function onRanks(ranks: number, script: string, ...args: string[]): Promise<Ended> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  // Two ranks would each be tied to a core, of which one may be busy.
  const options = ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'];
  const mpirun = ['mpirun', '-np', String(ranks), ...options];
  const [file, ...rest] = [...(ranks === 1 ? [] : mpirun), process.execPath, path, ...args];
  const child = spawn(file!, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GRAM_THREADS: '1' },
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const text = Buffer.concat(out).toString();
      const lines = text.split('\n').filter((line) => line.startsWith('{'));
      const at = Date.now();
      try {
        const parsed = lines.map((line) => JSON.parse(line) as unknown);
        resolve({ code: code ?? 1, errors: Buffer.concat(err).toString(), lines: parsed, at });
      } catch (cause) {
        reject(cause);
      }
    });
  });
}
