import { printableLines } from '@gram/base';
import type { Io } from './command.js';

/** Start of a progress line on a terminal. Not imported, because help is to start without the reports. */
const CLEARED_LINE = '\r\u001b[2K';

/**
 * Makes whatever a command prints safe for a terminal and a log: control characters of inputs, of names of files and of
 * what models write are shown as escapes. Of the commands to a terminal only the one that a progress line starts with
 * passes.
 */
export function safeOutput({ stdout, stderr, signal }: Io): Io {
  return {
    stdout: { write: (text) => stdout.write(printableLines(text)) },
    stderr: Object.create(stderr, { write: { value: (text: string) => stderr.write(shown(text)) } }),
    signal,
  };
}

function shown(text: string): string {
  if (!text.startsWith(CLEARED_LINE)) return printableLines(text);
  return CLEARED_LINE + printableLines(text.slice(CLEARED_LINE.length));
}
