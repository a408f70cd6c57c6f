import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { PROCESS_SOURCE } from './process-source.js';

/** The limits of a process that renders. */
export const PROCESS_LIMITS = {
  /** Heap of the process. The library itself takes about 5 MB. */
  heapMb: 64,
} as const;

/** Time that Node may take to start on a busy machine. */
export const START_MILLISECONDS = 30_000;

/** A process that has no job yet, and the timer that ends it. */
let spare: { readonly child: ChildProcess; readonly end: NodeJS.Timeout } | undefined;

/**
 * Starts the process that will render next, which takes Node a fifth of a second. Call it before work such as reading a tokenizer,
 * where a template is rendered soon after. A process that gets no job is ended after half a minute, or with this one.
 */
export function prepareRendering(): void {
  if (spare !== undefined) return;
  const child = startProcess();
  const end = setTimeout(() => child.kill('SIGKILL'), START_MILLISECONDS);
  spare = { child, end };
  const forget = () => {
    clearTimeout(end);
    if (spare?.child === child) spare = undefined;
  };
  // A process that cannot be started is no error yet: the next rendering starts another and says why that fails.
  child.once('error', forget).once('close', forget);
  for (const handle of [end, child, child.channel]) handle?.unref();
}

/** A process that waits for its job: the one that was prepared, or a new one. */
export function takeProcess(): ChildProcess {
  if (!spare?.child.connected) return startProcess();
  const { child, end } = spare;
  spare = undefined;
  clearTimeout(end);
  child.ref();
  child.channel?.ref();
  return child;
}

function startProcess(): ChildProcess {
  const library = createRequire(import.meta.url).resolve('@huggingface/jinja');
  return spawn(
    process.execPath,
    [`--max-old-space-size=${PROCESS_LIMITS.heapMb}`, '--eval', PROCESS_SOURCE, library],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Flags of this process, such as loaders of a test runner, do not belong to that one.
      env: { ...process.env, NODE_OPTIONS: '' },
      windowsHide: true,
    },
  );
}
