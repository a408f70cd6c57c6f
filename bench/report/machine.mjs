import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { threadCount } from '@gram/base';
import { runtimeVersion } from '@gram/engine';
import { formatBytes } from '@gram/report';

/** Instructions that decide how fast matrix products are. */
const INSTRUCTIONS = [
  'avx2',
  'avx512f',
  'avx512_vnni',
  'avx_vnni',
  'avx512_bf16',
  'amx_int8',
  'asimddp',
  'i8mm',
];

/** Describes the machine and our versions, as texts. `load` is that of other work, where it is called before ours begins. */
export function describeMachine() {
  const instructions = instructionNames();
  return {
    processor: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    instructions: INSTRUCTIONS.filter((name) => instructions.has(name)).join(' '),
    threads: String(threadCount()),
    memory: formatBytes(totalmem()),
    system: `${process.platform} ${process.arch}`,
    load: loadavg()[0].toFixed(1),
    node: process.version,
    onnxruntime: runtimeVersion(),
  };
}

/** The names that Linux gives to the instructions of the processor; elsewhere there are none. */
function instructionNames() {
  try {
    const [, names = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? [];
    return new Set(names.trim().split(' '));
  } catch {
    return new Set();
  }
}
