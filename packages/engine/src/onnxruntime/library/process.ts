import { closeSync, fstatSync, readSync } from 'node:fs';
import koffi from 'koffi';

/**
 * Turns the runtime's telemetry off, which keeps an identifier of the machine and a queue of events in the user's home
 * (Linux and macOS, 1.30). Only the environment stops it: `DisableTelemetryEvents` of the API needs the runtime's
 * environment, which has started it by then. It is the environment of the process that the library reads; in a worker,
 * `process.env` is a copy of that.
 */
export function disableTelemetry(): void {
  if (process.platform === 'win32') return;
  koffi.load(null).func('int setenv(str name, str value, int overwrite)')('ORT_DISABLE_TELEMETRY', '1', 1);
}

const STANDARD_ERROR = 2;

/**
 * Runs `run` and keeps lines that match `noise` off the standard error output of the process, where native libraries write
 * without asking. All other lines are written when it has ended. Only Linux has the means.
 */
export function withoutNoise<T>(noise: RegExp, run: () => T): T {
  if (process.platform !== 'linux') return run();
  const system = koffi.load(null);
  const dup = system.func('int dup(int fd)');
  const dup2 = system.func('int dup2(int from, int to)');
  const memory: number = system.func('int memfd_create(str name, uint flags)')('gram-standard-error', 0);
  if (memory < 0) return run();
  const before: number = dup(STANDARD_ERROR);
  try {
    if (before >= 0) dup2(memory, STANDARD_ERROR);
    return run();
  } finally {
    if (before >= 0) {
      dup2(before, STANDARD_ERROR);
      closeSync(before);
    }
    const written = Buffer.alloc(fstatSync(memory).size);
    readSync(memory, written, 0, written.length, 0);
    closeSync(memory);
    for (const line of written.toString().split(/(?<=\n)/)) if (!noise.test(line)) process.stderr.write(line);
  }
}
