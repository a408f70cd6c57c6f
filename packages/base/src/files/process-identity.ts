import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { sha256 } from './hash.js';
import { systemCode } from './system-error.js';

/** A process as another one can recognize it later. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** The machine's start and the namespace of its processes; empty where the system does not tell. */
  readonly machine: string;
  /** Start of the process, because numbers of processes are used again. Empty where the system does not tell. */
  readonly started: string;
}

/** Whether a process lives; `unknown` for one of another machine, or of another container on this one. */
export type ProcessState = 'alive' | 'dead' | 'unknown';

/** Returns the identity of this process. */
export function ownProcess(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), machine: machine(), started: startOf(process.pid) };
}

/** Tells whether a process lives. One that has ended and that nobody has waited for yet is dead. */
export function processState({ pid, host, machine: where, started }: ProcessIdentity): ProcessState {
  return host === hostname() && where === machine() ? stateHere(pid, started) : 'unknown';
}

/** Returns the identity of a process of this machine as a part of a file name. @param pid @default this process */
export function processTag(pid = process.pid): string {
  return `${place()}-${pid}-${startOf(pid)}`;
}

/** Tells whether the process lives that a tag of `processTag` names; `unknown` also for what is no tag. */
export function tagState(tag: string): ProcessState {
  const [, where, pid, started = ''] = /^([0-9a-f]{8})-(\d{1,10})-(\d*)$/.exec(tag) ?? [];
  return where === place() ? stateHere(Number(pid), started) : 'unknown';
}

function stateHere(pid: number, started: string): ProcessState {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    // A process that may not be signaled lives.
    if (systemCode(cause) !== 'EPERM') return 'dead';
  }
  return started === startOf(pid) ? 'alive' : 'dead';
}

const place = () => sha256(`${hostname()} ${machine()}`).slice(0, 8);

function machine(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Returns the start of a process, in ticks since that of the machine; empty where it has ended or the system does not tell. */
function startOf(pid: number): string {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in parentheses, may hold anything.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    const hasEnded = fields[0] === 'Z' || fields[0] === 'X';
    return hasEnded ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
