import { openWatchServer, RunError, type WatchServer } from '@gram/run';
import { CliError } from '../error.js';
import type { Flags } from '../flags.js';
import { wholeNumber } from '../parse-flags.js';

/** Flags of all commands that run what a configuration says. */
export const runFlags = {
  config: { value: 'FILE', help: 'configuration, in YAML, TypeScript or JavaScript' },
  set: {
    value: 'KEY=VALUE',
    multiple: true,
    help: 'override a value of the configuration, for example seed=2',
  },
  resume: {
    value: 'auto|DIR',
    bare: 'auto',
    help: 'continue from a checkpoint; auto takes the newest one of the output',
  },
  'dry-run': { help: 'load and encode everything, say what would be done, and write nothing' },
  'print-config': { help: 'print the configuration with its defaults, and stop' },
  watch: {
    value: 'PORT',
    bare: '0',
    help: 'serve a page that follows the run, on this machine only; default any free port',
  },
} as const satisfies Flags;

/** Describes settings as the help of a command does. */
export function settingHelp(
  settings: readonly { readonly key: string; readonly usual?: string; readonly meaning: string }[],
): readonly (readonly [string, string])[] {
  return settings.map(({ key, usual, meaning }) => {
    const note = usual === undefined ? 'required' : `default: ${usual}`;
    return [key, `${meaning} (${note})`.replaceAll('`', '')];
  });
}

/** Opens the port of the page before anything is loaded, so that one that cannot be used is noticed at once. */
export async function openWatch(port: string | undefined, serves: boolean): Promise<WatchServer | undefined> {
  if (port === undefined) return undefined;
  const number = wholeNumber('watch', port, 0);
  if (!serves) return undefined;
  try {
    return await openWatchServer(number);
  } catch (cause) {
    if (!(cause instanceof RunError)) throw cause;
    throw new CliError('usage', cause.message, cause.hint, { cause });
  }
}

/** The error of a run as the command reports it: one that was interrupted is no failure. */
export function reportedError(cause: unknown): unknown {
  if (!(cause instanceof RunError) || cause.code !== 'interrupted') return cause;
  return new CliError('interrupted', cause.message, cause.hint, { cause });
}
