import { readFileSync } from 'node:fs';

/** Peak and present memory of the process, in bytes, as the kernel counts them. Linux only. */
export function memory() {
  const status = readFileSync('/proc/self/status', 'latin1');
  const bytes = (name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { peak: bytes('VmHWM'), resting: bytes('VmRSS') };
}
