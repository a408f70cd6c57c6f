import { quote } from '@gram/base';
import type { Io } from './command.js';
import { type CommandEntry, commandTable } from './command-table.js';
import { describeError, errorText } from './describe-error.js';
import { CliError, type CliErrorCode } from './error.js';
import { commandHelp, generalHelp, groupHelp } from './help.js';
import { nearest } from './nearest.js';
import { safeOutput } from './safe-output.js';
import { ownVersion } from './version.js';

/** Exit statuses of the errors of commands that have one of their own. */
const STATUS: Readonly<Partial<Record<CliErrorCode, number>>> = { usage: 2, interrupted: 130 };

/**
 * Runs `gram` with the given arguments and returns its exit status: 0 done, 1 refused, 2 wrong usage, 70 a fault of gram
 * itself, 130 interrupted. Everything that goes wrong is one line on stderr, `gram: MESSAGE; HINT`; only a fault prints
 * its stack. It neither ends the process nor listens to signals.
 *
 * @param argv the words after `gram`
 * @example
 * const status = await main(['doctor', '--json'], {
 *   stdout: process.stdout,
 *   stderr: process.stderr,
 *   signal: new AbortController().signal,
 * });
 */
export async function main(argv: readonly string[], streams: Io): Promise<number> {
  const io = safeOutput(streams);
  try {
    await dispatch(argv, io);
    return 0;
  } catch (error) {
    if (io.signal.aborted && !(error instanceof CliError)) {
      io.stderr.write('gram: interrupted; nothing was left half-written\n');
      return 130;
    }
    io.stderr.write(errorText(error));
    if (error instanceof CliError) return STATUS[error.code] ?? 1;
    if (describeError(error) !== undefined) return 1;
    return 70;
  }
}

async function dispatch(words: readonly string[], io: Io): Promise<void> {
  const [name, ...argv] = joinGroup(words);
  if (name === undefined || isHelp(name)) {
    await explain(joinGroup(argv), io);
  } else if (name === '--version' || name === '-v') {
    io.stdout.write(`${ownVersion()}\n`);
  } else if (groupOf(name).length > 0) {
    io.stdout.write(groupHelp(name, groupOf(name)));
  } else {
    const entry = find(name);
    if (argv.includes('--help') || argv.includes('-h')) await explain([name], io);
    else await (await entry.load()).start(name, argv, io);
  }
}

/** Makes one word of the two that name a command of a group, as in `data stats`. */
function joinGroup([name, action, ...rest]: readonly string[]): readonly string[] {
  if (name === undefined) return [];
  if (action === undefined) return [name];
  if (groupOf(name).length === 0 || isHelp(name)) return [name, action, ...rest];
  return action === '--help' || action === '-h' ? [name, ...rest] : [`${name} ${action}`, ...rest];
}

/** The commands whose names begin with a word. */
function groupOf(name: string): readonly CommandEntry[] {
  return commandTable.filter((entry) => entry.name.startsWith(`${name} `));
}

function isHelp(word: string): boolean {
  return word === 'help' || word === '--help' || word === '-h';
}

/** Prints the general help or, where a command is named, the help of that command. */
async function explain([name, ...rest]: readonly string[], { stdout }: Io): Promise<void> {
  const [unexpected] = rest;
  if (unexpected !== undefined) {
    throw new CliError('usage', `unexpected argument ${quote(unexpected)}`, 'name one command');
  }
  if (name === undefined || isHelp(name)) {
    stdout.write(generalHelp(commandTable));
    return;
  }
  const group = groupOf(name);
  if (group.length > 0) {
    stdout.write(groupHelp(name, group));
    return;
  }
  const entry = find(name);
  stdout.write(commandHelp(entry, await entry.load()));
}

function find(name: string): CommandEntry {
  const entry = commandTable.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const near = nearest(
    name,
    commandTable.map((candidate) => candidate.name),
  );
  throw new CliError(
    'usage',
    `there is no command ${quote(name)}`,
    near === undefined ? 'see gram --help' : `did you mean gram ${near}?`,
  );
}
